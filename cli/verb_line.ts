/**
 * From words to a verb the short way: where they name one and are right, its own grammar is all that
 * is loaded. Help, and what is not understood, is up to the grammar of all verbs, `command_line.ts`.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { type Parser, parseSync } from "@optique/core/parser";
import type { RunRequest } from "./command_line.ts";
import { everywhere, everywhereUsage } from "./grammar/everywhere.ts";
import type { Verb } from "./grammar/verb.ts";
import { detachValues, valueOptionsOf } from "./short_options.ts";

// deno-lint-ignore no-explicit-any -- what a parser keeps for itself is nobody else's concern
type Grammar = Parser<"sync", Verb, any>;

const maintain = () => import("./grammar/maintain.ts");

/** The verbs, each with what loads its grammar. */
export const VERB_LOADERS: Readonly<Record<string, () => Promise<Grammar>>> = {
  append: async () => (await import("./grammar/append.ts")).appendGrammar,
  read: async () => (await import("./grammar/read.ts")).readGrammar,
  tail: async () => (await import("./grammar/read.ts")).tailGrammar,
  query: async () => (await import("./grammar/query.ts")).queryGrammar,
  truncate: async () => (await maintain()).truncateGrammar,
  compact: async () => (await maintain()).compactGrammar,
  dump: async () => (await maintain()).dumpGrammar,
  info: async () => (await maintain()).infoGrammar,
  topic: async () => (await import("./grammar/topic.ts")).topicGrammar,
  kv: async () => (await import("./grammar/kv.ts")).kvGrammar,
  shell: async () => (await import("./grammar/kv.ts")).shellGrammar,
  verify: async () => (await maintain()).verifyGrammar,
  repair: async () => (await maintain()).repairGrammar,
  backup: async () => (await import("./grammar/backup.ts")).backupGrammar,
  restore: async () => (await import("./grammar/backup.ts")).restoreGrammar,
  mirror: async () => (await import("./grammar/replica.ts")).mirrorGrammar,
  follow: async () => (await import("./grammar/replica.ts")).followGrammar,
  promote: async () => (await import("./grammar/replica.ts")).promoteGrammar,
  serve: async () => (await import("./grammar/serve.ts")).serveGrammar,
  group: async () => (await import("./grammar/group.ts")).groupGrammar,
  config: async () => (await import("./grammar/config.ts")).configGrammar,
  admin: async () => (await import("./grammar/admin.ts")).adminGrammar,
  doctor: async () => (await import("./grammar/doctor.ts")).doctorGrammar,
  token: async () => (await import("./grammar/access.ts")).tokenGrammar,
  tenant: async () => (await import("./grammar/access.ts")).tenantGrammar,
  webhook: async () => (await import("./grammar/webhook.ts")).webhookGrammar,
  cert: async () => (await import("./grammar/cert.ts")).certGrammar,
  schema: async () => (await import("./grammar/schema.ts")).schemaGrammar,
};

/** What the words ask for, when they are a verb's and right; `undefined` for all others. */
export async function parseVerbLine(args: readonly string[]): Promise<RunRequest | undefined> {
  const name = args.find((word) => Object.hasOwn(VERB_LOADERS, word));
  if (name === undefined) return undefined;
  const verb = await VERB_LOADERS[name]!();
  const valueOptions = [everywhereUsage, verb.usage].flatMap((usage) => [...valueOptionsOf(usage)]);
  const words = detachValues(args, new Set(valueOptions));
  const outcome = parseSync(object({ ...everywhere, verb }), words);
  return outcome.success ? { kind: "run", ...outcome.value } : undefined;
}
