/**
 * What can be said to every verb.
 *
 * @module
 */
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import type { Usage } from "@optique/core/usage";
import { path } from "@optique/run/valueparser";
import { serverAccess } from "./server_access.ts";
import { prose } from "./verb.ts";

/** Its parsers, beside that of the verb. */
export const everywhere = {
  at: optional(option("--at", path({ metavar: "DIR|URL" }), {
    description: prose`The folder of the store, or the URL of a server. SEGLOG_AT unless given,
      else ./data.`,
  })),
  config: optional(option("--config", path({ metavar: "FILE" }), {
    description: prose`A file of settings, in YAML. SEGLOG_CONFIG unless given; none is read by
      itself.`,
  })),
  access: serverAccess,
};

/** Its options, as usage. */
export const everywhereUsage: Usage = [
  ...everywhere.at.usage,
  ...everywhere.config.usage,
  ...serverAccess.usage,
  { type: "option", names: ["-h", "--help"] },
];
