/**
 * `serve`: a folder over HTTP, until a signal.
 *
 * @module
 */
import { VERSION } from "../../core/base/version.ts";
import { misspelledVariables, valuesIn } from "../config/held_settings.ts";
import { LIMIT_SETTINGS } from "../config/limit_settings.ts";
import { SERVER_SETTINGS } from "../config/server_settings.ts";
import { isUrl, openToWrite } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { ServerFlags } from "../grammar/serve.ts";
import type { Context } from "../grammar/verb.ts";
import { heldByServe } from "../held_by_serve.ts";
import { interruptible } from "../io.ts";

/** Serves until SIGINT or SIGTERM, then ends in good order. */
export async function serve(context: Context, flags: ServerFlags): Promise<number> {
  const { io, output } = context;
  const held = heldByServe(context, flags);
  for (const { name, meant } of misspelledVariables(io.env)) {
    output.note(`seglog: the variable ${name} is no setting; did you mean ${meant}?`);
  }
  const { data, http, volumeId } = valuesIn(SERVER_SETTINGS, held);
  if (isUrl(data)) {
    throw new UsageError(`serve needs a folder, and ${data} is a server: give --data DIR`);
  }
  const { serve: listen } = await import("../../server/listen.ts");
  await using backend = await openToWrite({ ...context, at: data });
  return await interruptible(io, async (signal) => {
    const onNotice = (notice: string) => output.note(`seglog: ${notice}`);
    const limits = valuesIn(LIMIT_SETTINGS, held);
    const server = await listen(backend, { ...http, version: VERSION, onNotice, limits, volumeId });
    output.note(`listening on ${server.url}`);
    await aborted(signal);
    output.note("stopping");
    await server.close();
    return EXIT_OK;
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
