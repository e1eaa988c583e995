/**
 * The services on a socket of HTTP/2, in the clear or over TLS: gRPC, gRPC-Web and Connect.
 *
 * @module
 */
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Stream,
} from "node:http2";
import type { SecureContextOptions, TlsOptions, TLSSocket } from "node:tls";
import type { Services } from "../exchange.ts";
import { logFault } from "../fault.ts";
import { addressOf, listenOn } from "../listen_on.ts";
import { createHandlers } from "./handlers.ts";
import { answerCall, type CallServer } from "./http2_call.ts";
import {
  CALL_WINDOW_BYTES,
  DEFAULT_GRPC_LIMITS,
  type GrpcLimits,
  HEADER_FIELDS_MAX,
  SESSION_MEMORY_MIB,
} from "./limits.ts";
import { type SessionLimits, Sessions } from "./sessions.ts";

/** What TLS is made of. */
export type GrpcTls =
  & SecureContextOptions
  & Pick<TlsOptions, "requestCert" | "rejectUnauthorized">;

/** Where and how to serve. */
export interface GrpcOptions {
  /** The address to listen on; 127.0.0.1 unless given: nobody from outside. */
  readonly host?: string;
  /** 8400 unless given; 0 takes a free one. */
  readonly port?: number;
  /** What differs from {@linkcode DEFAULT_GRPC_LIMITS}. */
  readonly limits?: Partial<GrpcLimits>;
  /** In the clear unless given. */
  readonly tls?: GrpcTls;
  /** The subject of the client certificate of a connection, if there is one and it was verified. */
  readonly subjectOf?: (socket: TLSSocket) => string | undefined;
}

/** A gRPC server that runs. */
export interface RunningGrpc extends AsyncDisposable {
  /** Where it is: `http://127.0.0.1:8400`. */
  readonly url: string;
  /** Where it listens, also when port 0 was asked for. */
  readonly port: number;
  /** Uses another key and certificate for connections to come. */
  setSecureContext(context: SecureContextOptions): void;
  /**
   * Stops: takes no more calls, answers those under way, and resolves when all connections are gone,
   * after `stopMs` at the latest. Streams end when `services.stopping` is aborted, which is the
   * caller's to do first. The services stay open.
   */
  close(): Promise<void>;
}

/** The port of gRPC where none is given. */
export const GRPC_PORT_DEFAULT = 8400;

/**
 * Serves gRPC.
 *
 * @throws {SeglogError} `unavailable` when the address cannot be listened on
 */
export async function listenGrpc(
  services: Services,
  options: GrpcOptions = {},
): Promise<RunningGrpc> {
  const { host = "127.0.0.1", port = GRPC_PORT_DEFAULT, tls, subjectOf } = options;
  const limits = { ...services.limits, ...DEFAULT_GRPC_LIMITS, ...options.limits };
  const { messageBytesMax } = limits;
  const calls: CallServer = {
    services,
    handlers: createHandlers(services, messageBytesMax),
    messageBytesMax,
  };
  const settings = serverOptions(limits);
  const server: Http2Server | Http2SecureServer = tls === undefined
    ? createServer(settings)
    : createSecureServer({ ...settings, ...tls, allowHTTP1: false });
  const sessions = new Sessions(server as Http2Server, { limits, metrics: services.metrics });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    if (!sessions.take(stream)) return;
    const socket = stream.session?.socket;
    const subject = tls === undefined ? undefined : subjectOf?.(socket as TLSSocket);
    answerCall(stream, headers, { server: calls, subject });
  });
  await listenOn(server, host, port);
  server.on("error", (error) => logFault(services.logger, error, { what: "grpc" }));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      server.close();
      await sessions.stop(limits.stopMs);
    })();
    return closing;
  };
  return {
    ...addressOf(server, tls === undefined ? "http" : "https"),
    setSecureContext: (context) => (server as Http2SecureServer).setSecureContext(context),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function serverOptions(limits: SessionLimits & { headersBytesMax: number; headersMs: number }) {
  return {
    maxSessionMemory: SESSION_MEMORY_MIB,
    maxHeaderListPairs: HEADER_FIELDS_MAX,
    handshakeTimeout: limits.headersMs, // of TLS
    settings: {
      enablePush: false,
      maxConcurrentStreams: limits.callsMax,
      maxHeaderListSize: limits.headersBytesMax,
      initialWindowSize: CALL_WINDOW_BYTES,
    },
  } satisfies SecureServerOptions;
}
