/**
 * The app on a socket: Node's HTTP server, which all three runtimes have.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { Server as Listener, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { Backend } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import { removeAbandonedFolders } from "../core/disk/temporary_folder.ts";
import { callerRules } from "./access/callers.ts";
import { demandProtection } from "./access/exposure.ts";
import { createService } from "./app.ts";
import type { AppOptions } from "./open_services.ts";
import { Connections } from "./connections.ts";
import { logFault } from "./fault.ts";
import type { RunningGrpc } from "./grpc/listen.ts";
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./limits.ts";
import { addressOf, listenOn } from "./listen_on.ts";
import { watchEventLoop } from "./metrics/event_loop.ts";
import { problemResponse } from "./problem.ts";
import { QUERY_FOLDER_PREFIX } from "./query/query_views.ts";
import { clientErrorAnswer } from "./raw_answer.ts";
import { asksForSocket } from "./subscribers/websocket.ts";
import { endQuietSockets } from "./tls/quiet_sockets.ts";
import { SecureFront } from "./tls/secure_front.ts";
import type { TlsMaterial } from "./tls/tls_material.ts";

/** Where and how to serve. */
export interface ServeOptions extends Omit<AppOptions, "stopping" | "connections" | "callers"> {
  /** The address to listen on; 127.0.0.1 unless given: nobody from outside. */
  readonly host?: string;
  /** 8080 unless given; 0 takes a free one. */
  readonly port?: number;
  /** Certificates; without them there is no TLS. They are looked after by whoever loaded them. */
  readonly tls?: TlsMaterial | undefined;
  /** Listens where others reach it also without TLS and without credentials. */
  readonly unprotected?: boolean;
  /** Where to serve gRPC as well; nowhere unless given. */
  readonly grpc?: { readonly host?: string; readonly port?: number } | undefined;
  /** Names of the server besides its own, as {@linkcode callerRules} takes them. */
  readonly allowHosts?: readonly string[];
  /** Origins whose pages may use it; none unless given. */
  readonly allowOrigins?: readonly string[];
}

/** A server that runs. */
export interface RunningServer extends AsyncDisposable {
  /** Where it is: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where it listens, also when port 0 was asked for. */
  readonly port: number;
  /** Where it serves gRPC, if it does. */
  readonly grpc: { readonly url: string; readonly port: number } | undefined;
  /**
   * Stops: takes no more connections, tells followers, answers what is under way, and resolves
   * when all connections are gone, after `limits.stopMs` at the latest. The backend stays open.
   */
  close(): Promise<void>;
}

const NOBODY_KNOWN =
  "clients are asked for certificates, but nobody is known by one, so everybody " +
  "may do everything: seglog token create NAME --subject CN=NAME";

/** How often connections are looked over for those that are too slow. */
const CHECK_INTERVAL_MS = 1000;

/**
 * Serves a backend over HTTP, with TLS where there are certificates.
 *
 * @throws {SeglogError} `unavailable` when the address cannot be listened on; `forbidden` when others
 * reach it and it is not protected
 */
export async function serve(backend: Backend, options: ServeOptions = {}): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8080, tls, unprotected = false, ...others } = options;
  const { allowHosts, allowOrigins, grpc: grpcAt, ...appOptions } = others;
  const hosts = [host, ...grpcAt === undefined ? [] : [grpcAt.host ?? "127.0.0.1"]];
  const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
  const stopping = new AbortController();
  const callers = {
    ...callerRules({ hosts: allowHosts, origins: allowOrigins }),
    isOwnName: (name: string) =>
      hosts.some((own) => own.toLowerCase() === name) || tls?.isFor(name) === true,
  };
  const service = createService(backend, {
    ...appOptions,
    callers,
    stopping: stopping.signal,
    connections: () => connections.count,
  });
  const { services } = service;
  const answer = getRequestListener(service.app.fetch, {
    hostname: "localhost",
    errorHandler: (error) => problemResponse(toProblem(error)),
  });
  const server = createServer(serverOptions(limits), (incoming, outgoing) => {
    connections.inTurn(incoming, () => {
      answer(incoming, outgoing).catch((error) => {
        logFault(services.logger, error, { what: "server" });
        outgoing.destroy();
      });
    });
  });
  const connections = new Connections(server, {
    connectionsMax: limits.connectionsMax,
    metrics: services.metrics,
  });
  refuseNonsense(server, limits);
  const front = tls === undefined
    ? undefined
    : secureFront(server, { tls, limits, clock: service.services.clock });
  const listener: Listener = front?.listener ?? server;
  let grpc: RunningGrpc | undefined;
  try {
    const forGood = !unprotected; // others may reach it because there are credentials
    const hasCredentials = () => services.desk.areCredentialsNeeded({ forGood });
    const hasTls = tls !== undefined;
    for (const host of new Set(hosts)) {
      const risk = await demandProtection({ host, hasTls, hasCredentials, unprotected });
      if (risk !== undefined) services.logger.warn(risk, { event: "notice" });
    }
    if (tls?.knowsClients === true && !await services.desk.areCredentialsNeeded()) {
      services.logger.warn(NOBODY_KNOWN, { event: "notice" });
    }
    // Behind what looks after quiet connections, which leaves those alone that are taken up here.
    server.on("upgrade", service.upgrade);
    if (grpcAt !== undefined) {
      const { listenGrpc } = await import("./grpc/listen.ts");
      grpc = await listenGrpc(services, { ...grpcAt, tls });
    }
    await listenOn(listener, host, port);
    removeAbandonedFolders(QUERY_FOLDER_PREFIX);
    if (backend.capabilities.canWrite) await service.start();
  } catch (error) {
    front?.close();
    await grpc?.close();
    await service.close();
    throw error;
  }
  listener.on("error", (error) => logFault(services.logger, error, { what: "server" }));
  const unwatch = watchEventLoop(services.metrics);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      if (front === undefined) server.close();
      else front.close();
      stopping.abort();
      unwatch();
      await Promise.all([connections.stop(limits.stopMs), grpc?.close()]);
      await service.close();
    })();
    return closing;
  };
  return {
    ...addressOf(listener, tls === undefined ? "http" : "https"),
    grpc: grpc === undefined ? undefined : { url: grpc.url, port: grpc.port },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function secureFront(
  server: Server,
  { tls, limits, clock }: {
    readonly tls: TlsMaterial;
    readonly limits: ServerLimits;
    readonly clock: Clock;
  },
): SecureFront {
  const { connectionsMax, handshakeMs, headersMs } = limits;
  endQuietSockets(server, limits);
  return new SecureFront(server, {
    material: tls,
    connectionsMax,
    handshakeMs,
    refusalMs: headersMs,
    clock,
  });
}

/** A body may take as long as it keeps coming; the app bounds that. */
function serverOptions(limits: ServerLimits): Parameters<typeof createServer>[0] {
  return {
    maxHeaderSize: limits.headersBytesMax,
    headersTimeout: limits.headersMs,
    requestTimeout: 0,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headersMs),
    noDelay: true,
    shouldUpgradeCallback: asksForSocket,
  };
}

function refuseNonsense(server: Server, limits: ServerLimits): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
    socket.end(clientErrorAnswer(error.code, limits.headersBytesMax));
  });
}

/** The adapter refuses what is not a URL before the app sees it. */
function toProblem(error: unknown): unknown {
  if (!(error instanceof RequestError)) return error;
  return new SeglogError("invalid-argument", `Cannot read the request: ${error.message}`);
}
