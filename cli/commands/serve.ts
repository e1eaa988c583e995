/**
 * `serve`: a folder, or a copy of what is somewhere else, over HTTP and gRPC, until a signal.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { VERSION } from "../../core/base/version.ts";
import type { Logger } from "../../server/logger.ts";
import {
  type HeldSettings,
  misspelledVariables,
  shownSettings,
  valuesIn,
} from "../config/held_settings.ts";
import { LIMIT_SETTINGS } from "../config/limit_settings.ts";
import { LOG_SETTINGS } from "../config/log_settings.ts";
import { PROTECTION_SETTINGS } from "../config/protection_settings.ts";
import { servedPlace } from "../config/served_place.ts";
import { SERVER_SETTINGS } from "../config/server_settings.ts";
import { EXIT_OK, exitCodeOf, explain } from "../exit.ts";
import type { ServerFlags } from "../grammar/serve.ts";
import type { Context } from "../grammar/verb.ts";
import { heldByServe } from "../held_by_serve.ts";
import { interruptible } from "../io.ts";
import { loadCertificates } from "../serve/certificates.ts";
import { openServed } from "../serve/open_served.ts";
import { openServerLog } from "../server_log.ts";

/** What a server is run with. */
interface Run {
  readonly context: Context;
  readonly held: HeldSettings;
  readonly logger: Logger;
}

/** Serves until SIGINT or SIGTERM, then ends in good order. */
export async function serve(context: Context, flags: ServerFlags): Promise<number> {
  const { io } = context;
  const held = heldByServe(context, flags);
  servedPlace(held); // before a log is opened
  const { logFormat: format, logLevel: level } = valuesIn(LOG_SETTINGS, held);
  const { logger, finish } = openServerLog(io, { format, level });
  try {
    return await run({ context, held, logger });
  } catch (error) {
    if (format === "text") throw error; // it is told as any command's
    const code = error instanceof SeglogError ? error.code : undefined;
    logger.error(explain(error, io.env.SEGLOG_DEBUG === "1"), { event: "failed", code });
    return exitCodeOf(error);
  } finally {
    await finish();
  }
}

async function run({ context, held, logger }: Run): Promise<number> {
  const { io } = context;
  const onNotice = (notice: string, level: "info" | "warn" = "warn") =>
    logger[level](notice, { event: "notice" });
  for (const { name, meant } of misspelledVariables(io.env)) {
    onNotice(`the variable ${name} is no setting; did you mean ${meant}?`);
  }
  const { http, grpc, volumeId, role } = valuesIn(SERVER_SETTINGS, held);
  const { logRequests } = valuesIn(LOG_SETTINGS, held);
  const { serve: listen } = await import("../../server/listen.ts");
  const protection = valuesIn(PROTECTION_SETTINGS, held);
  const { allowHosts, allowOrigins, unprotected, webhookAllow, ...files } = protection;
  using certificates = await loadCertificates(files, { io, onNotice });
  await using backend = await openServed(context, held, onNotice);
  return await interruptible(io, async (signal) => {
    const limits = valuesIn(LIMIT_SETTINGS, held);
    const server = await listen(backend, {
      ...http,
      ...grpc === null ? {} : { grpc },
      version: VERSION,
      logger,
      logRequests,
      limits,
      volumeId,
      role,
      settings: shownSettings(held),
      tls: certificates?.material,
      allowHosts,
      allowOrigins,
      unprotected,
      webhookAllow,
    });
    logger.info(`listening on ${server.url}`, { event: "listening", url: server.url });
    if (server.grpc !== undefined) {
      const { url } = server.grpc;
      logger.info(`listening on ${url} for gRPC`, { event: "listening", url });
    }
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
