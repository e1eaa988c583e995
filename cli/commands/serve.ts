/**
 * `serve`: a folder over HTTP and gRPC, until a signal.
 *
 * @module
 */
import { VERSION } from "../../core/base/version.ts";
import { isUrl, openToWrite } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { ServeVerbOptions } from "../grammar/serve.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import { loadCertificates } from "../serve/certificates.ts";

const HOST_DEFAULT = "127.0.0.1";
const PORT_DEFAULT = 8080;
const GRPC_PORT_DEFAULT = 8400;
const PORT_MAX = 65_535;

/** Serves until SIGINT or SIGTERM, then ends in good order. */
export async function serve(context: Context, options: ServeVerbOptions): Promise<number> {
  const { io, output, atGiven } = context;
  const at = options.data ?? atGiven ?? (io.env.DATA_DIR || context.at);
  if (isUrl(at)) {
    throw new UsageError(`serve needs a folder, and ${at} is a server: give --data DIR`);
  }
  const address = options.http ?? { host: HOST_DEFAULT, port: portOf(io.env.PORT) };
  // Whoever says where to listen gets that and nothing else.
  const isTold = options.http !== undefined || (io.env.PORT ?? "") !== "";
  const grpc = options.grpc ??
    (isTold ? undefined : { host: HOST_DEFAULT, port: GRPC_PORT_DEFAULT });
  const volumeId = options.volumeId ?? (io.env.VOLUME_ID || undefined);
  const { allowHosts, allowOrigins, unprotected } = options.protection;
  const { serve: listen } = await import("../../server/listen.ts");
  const onNotice = (notice: string) => output.note(`seglog: ${notice}`);
  using certificates = await loadCertificates(options.protection, { io, onNotice });
  await using backend = await openToWrite({ ...context, at });
  return await interruptible(io, async (signal) => {
    const server = await listen(backend, {
      ...address,
      grpc,
      version: VERSION,
      onNotice,
      tls: certificates?.material,
      allowHosts: allowHosts.flat(),
      allowOrigins: allowOrigins.flat(),
      unprotected,
      ...volumeId === undefined ? {} : { volumeId },
    });
    output.note(`listening on ${server.url}`);
    if (server.grpc !== undefined) output.note(`listening on ${server.grpc.url} for gRPC`);
    await aborted(signal);
    output.note("stopping");
    await server.close();
    return EXIT_OK;
  });
}

/** The port that the environment names. @throws {UsageError} when it names none */
function portOf(text: string | undefined): number {
  if (text === undefined || text === "") return PORT_DEFAULT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= PORT_MAX) return port;
  throw new UsageError(
    `cannot listen where the variable PORT says: expected a whole number from 0 to ${PORT_MAX}, but got ${
      JSON.stringify(text.slice(0, 80))
    }; change it, or give --http HOST:PORT`,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
