/**
 * `serve`: a folder over HTTP, until a signal.
 *
 * @module
 */
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
  await using backend = await openToWrite({ ...context, at });
  return await interruptible(context.io, async (signal) => {
    const server = await listen(backend, options.http);
    context.output.note(`listening on ${server.url}`);
    await aborted(signal);
    context.output.note("stopping");
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
