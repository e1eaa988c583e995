/**
 * The services on a socket of HTTP/2, in the clear or over TLS: gRPC, gRPC-Web and Connect.
 *
 * @module
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { Services } from "../exchange.ts";
import { logFault } from "../fault.ts";
import type { ServerLimits } from "../limits.ts";
import { addressOf, listenOn } from "../listen_on.ts";
import type { TlsMaterial } from "../tls/tls_material.ts";
import { createHandlers } from "./handlers.ts";
import { answerCall, type CallServer } from "./http2_call.ts";
import {
  CALL_WINDOW_BYTES,
  DEFAULT_GRPC_LIMITS,
  type GrpcLimits,
  HEADER_FIELDS_MAX,
  SESSION_MEMORY_MIB,
} from "./limits.ts";
import { Sessions } from "./sessions.ts";
import { TlsFront } from "../tls/tls_front.ts";

/** Where and how to serve. */
export interface GrpcOptions {
  /** The address to listen on; 127.0.0.1 unless given: nobody from outside. */
  readonly host?: string;
  /** 8400 unless given; 0 takes a free one. */
  readonly port?: number;
  /** What differs from {@linkcode DEFAULT_GRPC_LIMITS}. */
  readonly limits?: Partial<GrpcLimits>;
  /** Certificates; in the clear unless given. They are looked after by whoever loaded them. */
  readonly tls?: TlsMaterial | undefined;
}

/** A gRPC server that runs. */
export interface RunningGrpc extends AsyncDisposable {
  /** Where it is: `http://127.0.0.1:8400`. */
  readonly url: string;
  /** Where it listens, also when port 0 was asked for. */
  readonly port: number;
  /**
   * Stops: takes no more calls, answers those under way, and resolves when all connections are gone,
   * after `stopMs` at the latest. Streams end when `services.stopping` is aborted, which is the
   * caller's to do first. The services stay open.
   */
  close(): Promise<void>;
}

/** The port of gRPC where none is given. */
const GRPC_PORT_DEFAULT = 8400;

/**
 * Serves gRPC.
 *
 * @throws {SeglogError} `unavailable` when the address cannot be listened on
 */
export async function listenGrpc(
  services: Services,
  options: GrpcOptions = {},
): Promise<RunningGrpc> {
  const { host = "127.0.0.1", port = GRPC_PORT_DEFAULT, tls } = options;
  const limits = { ...services.limits, ...DEFAULT_GRPC_LIMITS, ...options.limits };
  const { messageBytesMax } = limits;
  const handlers = createHandlers(services, messageBytesMax);
  const cuts = new Set<() => void>();
  const calls: CallServer = { services, handlers, messageBytesMax, cuts };
  const server = createServer(serverOptions(limits));
  const front = tls === undefined ? undefined : new TlsFront({
    material: tls,
    protocol: "h2",
    handshakeMs: limits.handshakeMs,
    clock: services.clock,
    secured: (socket) => void server.emit("connection", socket),
  });
  const listener = front?.listener ?? server;
  const { metrics } = services;
  const sessions = new Sessions({ server, listener, front }, { limits, metrics });
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    if (sessions.take(stream)) answerCall(stream, headers, calls);
  });
  try {
    await listenOn(listener, host, port);
  } catch (error) {
    front?.close();
    throw error;
  }
  listener.on("error", (error: unknown) => logFault(services.logger, error, { what: "grpc" }));
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      front?.close();
      server.close();
      await sessions.stop(limits.stopMs, () => [...cuts].forEach((cut) => cut()));
    })();
    return closing;
  };
  return {
    ...addressOf(listener, tls === undefined ? "http" : "https"),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function serverOptions(limits: GrpcLimits & ServerLimits) {
  return {
    maxSessionMemory: SESSION_MEMORY_MIB,
    maxHeaderListPairs: HEADER_FIELDS_MAX,
    settings: {
      enablePush: false,
      maxConcurrentStreams: limits.callsMax,
      maxHeaderListSize: limits.headersBytesMax,
      initialWindowSize: CALL_WINDOW_BYTES,
    },
  } satisfies ServerOptions;
}
