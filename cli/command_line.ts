/**
 * From words to a verb that is ready to run: the table of verbs, help, version, completion. It takes
 * longer to load than most verbs take to run: `verb_line.ts` is tried first.
 *
 * @module
 */
import { group, object, or } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import { formatMessage, type Message } from "@optique/core/message";
import { extractCommandNames } from "@optique/core/usage";
import { tenantGrammar, tokenGrammar } from "./grammar/access.ts";
import { appendGrammar } from "./grammar/append.ts";
import { adminGrammar } from "./grammar/admin.ts";
import { configGrammar } from "./grammar/config.ts";
import { doctorGrammar } from "./grammar/doctor.ts";
import { backupGrammar, restoreGrammar } from "./grammar/backup.ts";
import {
  compactGrammar,
  dumpGrammar,
  infoGrammar,
  repairGrammar,
  truncateGrammar,
  verifyGrammar,
} from "./grammar/maintain.ts";
import { certGrammar } from "./grammar/cert.ts";
import { everywhere, everywhereUsage } from "./grammar/everywhere.ts";
import { groupGrammar } from "./grammar/group.ts";
import { kvGrammar, shellGrammar } from "./grammar/kv.ts";
import { queryGrammar } from "./grammar/query.ts";
import { readGrammar, tailGrammar } from "./grammar/read.ts";
import { followGrammar, mirrorGrammar, promoteGrammar } from "./grammar/replica.ts";
import { schemaGrammar } from "./grammar/schema.ts";
import type { ServerAccess } from "./grammar/server_access.ts";
import { serveGrammar } from "./grammar/serve.ts";
import { topicGrammar } from "./grammar/topic.ts";
import { examples, prose, type Verb } from "./grammar/verb.ts";
import { webhookGrammar } from "./grammar/webhook.ts";
import { detachValues, valueOptionsOf } from "./short_options.ts";
import { suggestingFrom, usageOf } from "./suggest_option.ts";

/** A verb that is ready to run. */
export interface RunRequest {
  readonly kind: "run";
  readonly verb: Verb;
  readonly at: string | undefined;
  readonly config: string | undefined;
  readonly access: ServerAccess;
}

/** What the words ask for. */
export type Request =
  | RunRequest
  /** Help, version or a completion script, to be printed. */
  | { readonly kind: "show"; readonly text: string }
  /** Not understood: why, and the words that would help. */
  | { readonly kind: "refuse"; readonly reason: string; readonly hint: string }
  /** Nothing was asked for: the help that says what can be. */
  | { readonly kind: "incomplete"; readonly help: string };

/** How help is drawn, and what `version` says. */
export interface Presentation {
  readonly colors: boolean;
  readonly columns: number | undefined;
  readonly version: string;
}

const PROGRAM = "seglog";
const COLUMNS_MIN = 60;
const COLUMNS_MAX = 100;

/** All verbs. `verb_line.ts` knows them, too, and loads one at a time. */
export const verbs = {
  append: appendGrammar,
  read: readGrammar,
  tail: tailGrammar,
  query: queryGrammar,
  truncate: truncateGrammar,
  compact: compactGrammar,
  dump: dumpGrammar,
  info: infoGrammar,
  topic: topicGrammar,
  kv: kvGrammar,
  shell: shellGrammar,
  verify: verifyGrammar,
  repair: repairGrammar,
  backup: backupGrammar,
  restore: restoreGrammar,
  mirror: mirrorGrammar,
  follow: followGrammar,
  promote: promoteGrammar,
  serve: serveGrammar,
  group: groupGrammar,
  config: configGrammar,
  admin: adminGrammar,
  doctor: doctorGrammar,
  token: tokenGrammar,
  tenant: tenantGrammar,
  webhook: webhookGrammar,
  cert: certGrammar,
  schema: schemaGrammar,
};

const grammar = object({
  ...everywhere,
  verb: or(
    group(
      "Records",
      or(
        appendGrammar,
        readGrammar,
        tailGrammar,
        queryGrammar,
        truncateGrammar,
        compactGrammar,
      ),
    ),
    group(
      "Topics, and views of them",
      or(topicGrammar, kvGrammar, shellGrammar, groupGrammar, schemaGrammar),
    ),
    group(
      "Upkeep",
      or(
        infoGrammar,
        dumpGrammar,
        verifyGrammar,
        repairGrammar,
        doctorGrammar,
        adminGrammar,
      ),
    ),
    group(
      "Copies",
      or(backupGrammar, restoreGrammar, mirrorGrammar, followGrammar, promoteGrammar),
    ),
    group(
      "Servers",
      or(
        serveGrammar,
        configGrammar,
        tokenGrammar,
        tenantGrammar,
        webhookGrammar,
        certGrammar,
      ),
    ),
  ),
});

/** Reads the words. It does nothing: what was asked for is up to the caller. */
export function parseCommandLine(args: readonly string[], presentation: Presentation): Request {
  const words = detachValues(args, valueOptionsFor(args));
  const shown: string[] = [];
  const outcome = runParser<typeof grammar, "shown", Refusal>(grammar, PROGRAM, words, {
    colors: presentation.colors,
    maxWidth: Math.min(Math.max(presentation.columns ?? COLUMNS_MAX, COLUMNS_MIN), COLUMNS_MAX),
    help: { option: { names: ["-h", "--help"] }, onShow: shownNow },
    version: {
      option: { names: ["--version"], hidden: "doc" },
      command: true,
      value: presentation.version,
      onShow: shownNow,
    },
    completion: { command: true, onShow: shownNow },
    aboveError: "none",
    onError: (_exitCode, reason) => new Refusal(reason),
    stdout: (text) => shown.push(text),
    stderr: () => {},
    usageLine: [
      { type: "optional", terms: [{ type: "option", names: ["--at"], metavar: "DIR|URL" }] },
      { type: "optional", terms: [{ type: "option", names: ["--config"], metavar: "FILE" }] },
      { type: "literal", value: "VERB …" },
    ],
    termWidth: "auto",
    commandList: "top-level",
    theme: { commandLine: (term) => ({ type: "text", text: `  ${term.commandLine}` }) },
    brief: prose`A segmented, append-only commit log.`,
    footer: ROOT_EXAMPLES,
  }) as Outcome;
  if (outcome === "shown") return { kind: "show", text: shown.join("\n") };
  if (!(outcome instanceof Refusal)) return { kind: "run", ...outcome };
  if (isIncomplete(words)) return { kind: "incomplete", help: helpFor(words, presentation) };
  return { kind: "refuse", ...explained(outcome.reason, words) };
}

type Outcome = "shown" | Refusal | Omit<RunRequest, "kind">;

class Refusal {
  readonly reason: Message;

  constructor(reason: Message) {
    this.reason = reason;
  }
}

const shownNow = () => "shown" as const;

const ROOT_EXAMPLES = examples(
  "seglog append orders hello",
  "seglog read orders",
  "seglog tail orders -f",
  "seglog serve",
  "seglog --at http://127.0.0.1:8080 append orders hello",
  "seglog append --help",
);

function isVerb(word: string | undefined): word is keyof typeof verbs {
  return word !== undefined && Object.hasOwn(verbs, word);
}

/** How a value that begins with a dash is given to the verbs that take one. */
const DASHED: Readonly<Record<string, string>> = {
  "append": "append TOPIC -- -1",
  "kv set": "kv set KEY -- -1",
};

/** Verbs that have verbs of their own. */
const NESTED: ReadonlySet<string | undefined> = new Set([
  "topic",
  "kv",
  "query",
  "group",
  "token",
  "tenant",
  "config",
  "admin",
  "schema",
  "webhook",
]);

/** The verb that the words name, and for one that has verbs what it is to do. */
function verbPath(words: readonly string[]): string[] {
  const at = words.findIndex(isVerb);
  const verb = words[at];
  if (!isVerb(verb)) return [];
  const nested = words[at + 1];
  const isNested = NESTED.has(verb) && nested !== undefined &&
    extractCommandNames(verbs[verb].usage.slice(1)).has(nested);
  return isNested ? [verb, nested] : [verb];
}

function valueOptionsFor(words: readonly string[]): Set<string> {
  const verb = words.find(isVerb);
  const own = verb === undefined ? [] : valueOptionsOf(verbs[verb].usage);
  return new Set([...valueOptionsOf(everywhereUsage), ...own]);
}

/** Whether the words end before anything was asked for. */
function isIncomplete(words: readonly string[]): boolean {
  return words.length === 0 || (words.length === 1 && NESTED.has(words[0]));
}

function helpFor(words: readonly string[], presentation: Presentation): string {
  const request = parseCommandLine([...words, "--help"], presentation);
  return request.kind === "show" ? request.text : "";
}

function explained(reason: Message, words: readonly string[]): { reason: string; hint: string } {
  const verb = words.find(isVerb);
  const path = verbPath(words);
  const help = [PROGRAM, ...path, "--help"].join(" ");
  const usage = verb === undefined ? [] : usageOf(path, verbs[verb].usage);
  const meant = suggestingFrom([...everywhereUsage, ...usage], reason);
  const text = formatMessage(meant).replace(/\s+/g, " ").replace(/`/g, '"').replace(/\.$/, "");
  const dashed = DASHED[path.join(" ")];
  const hint = dashed !== undefined && /argument: "-[^-a-z]/i.test(text)
    ? `a VALUE that begins with - goes behind --, as in: ${PROGRAM} ${dashed}`
    : `see ${help}`;
  return { reason: text, hint };
}
