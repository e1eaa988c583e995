/**
 * What holds of every setting in this run of the program.
 *
 * @module
 */
import { type HeldSettings, heldSettings } from "./config/held_settings.ts";
import type { ServerFlags } from "./grammar/serve.ts";
import type { Context } from "./grammar/verb.ts";

/** As the flags of `serve`, `--at`, variables and the file say. @throws {UsageError} */
export function heldByServe(
  context: Context,
  { server, log, protection, limits, topics }: ServerFlags,
): HeldSettings {
  const { atGiven, io, config } = context;
  const at = atGiven === undefined ? {} : { at: atGiven };
  return heldSettings({
    flags: { ...at, ...server, ...log, ...protection, ...limits, ...topics },
    env: io.env,
    file: config,
  });
}
