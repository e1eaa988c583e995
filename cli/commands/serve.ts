/**
 * `serve`: a folder over HTTP, until a signal.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { VERSION } from "../../core/base/version.ts";
import type { Logger } from "../../server/logger.ts";
import { type HeldSettings, misspelledVariables, valuesIn } from "../config/held_settings.ts";
import { LIMIT_SETTINGS } from "../config/limit_settings.ts";
import { LOG_SETTINGS } from "../config/log_settings.ts";
import { SERVER_SETTINGS } from "../config/server_settings.ts";
import { isUrl, openToWrite } from "../connect.ts";
import { EXIT_OK, exitCodeOf, explain, UsageError } from "../exit.ts";
import type { ServerFlags } from "../grammar/serve.ts";
import type { Context } from "../grammar/verb.ts";
import { heldByServe } from "../held_by_serve.ts";
import { interruptible, type Io } from "../io.ts";
import { openServerLog } from "../server_log.ts";

/** Serves until SIGINT or SIGTERM, then ends in good order. */
export async function serve(context: Context, flags: ServerFlags): Promise<number> {
  const { io } = context;
  const held = heldByServe(context, flags);
  const { logFormat: format, logLevel: level } = valuesIn(LOG_SETTINGS, held);
  const { data } = valuesIn(SERVER_SETTINGS, held);
  if (isUrl(data)) {
    throw new UsageError(`serve needs a folder, and ${data} is a server: give --data DIR`);
  }
  const { logger, finish } = openServerLog(io, { format, level });
  try {
    for (const { name, meant } of misspelledVariables(io.env)) {
      logger.warn(`the variable ${name} is no setting; did you mean ${meant}?`, {
        event: "notice",
      });
    }
    await using backend = await openToWrite(
      { ...context, at: data },
      (notice, level) => logger[level](notice, { event: "notice" }),
    );
    return await served(backend, { io, held, logger });
  } catch (error) {
    if (format === "text") throw error; // it is told as any command's
    const code = error instanceof SeglogError ? error.code : undefined;
    logger.error(explain(error, io.env.SEGLOG_DEBUG === "1"), { event: "failed", code });
    return exitCodeOf(error);
  } finally {
    await finish();
  }
}

async function served(
  backend: Backend,
  { io, held, logger }: { io: Io; held: HeldSettings; logger: Logger },
): Promise<number> {
  const { serve: listen } = await import("../../server/listen.ts");
  return await interruptible(io, async (signal) => {
    const { http, volumeId } = valuesIn(SERVER_SETTINGS, held);
    const { logRequests } = valuesIn(LOG_SETTINGS, held);
    const limits = valuesIn(LIMIT_SETTINGS, held);
    const options = { version: VERSION, logger, logRequests, limits, volumeId };
    const server = await listen(backend, { ...http, ...options });
    logger.info(`listening on ${server.url}`, { event: "listening", url: server.url });
    await aborted(signal);
    logger.info("stopping", { event: "stopping" });
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
