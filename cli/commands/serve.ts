/**
 * `serve`: a folder over HTTP, until a signal.
 *
 * @module
 */
import { VERSION } from "../../core/base/version.ts";
import { isUrl, openToWrite } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { ServeVerbOptions } from "../grammar/serve.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";

/** Serves until SIGINT or SIGTERM, then ends in good order. */
export async function serve(context: Context, options: ServeVerbOptions): Promise<number> {
  const at = options.data ?? context.at;
  if (isUrl(at)) {
    throw new UsageError(`serve needs a folder, and ${at} is a server: give --data DIR`);
  }
  const { serve: listen } = await import("../../server/listen.ts");
  const { io, output } = context;
  await using backend = await openToWrite({ ...context, at });
  return await interruptible(io, async (signal) => {
    const onNotice = (notice: string) => output.note(`seglog: ${notice}`);
    const server = await listen(backend, { ...options.http, version: VERSION, onNotice });
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
