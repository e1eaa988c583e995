/**
 * The app on a socket: Node's HTTP server, which all three runtimes have.
 *
 * @module
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, RequestError } from "@hono/node-server";
import type { Backend } from "../core/backend.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { type AppOptions, createService } from "./app.ts";
import { Connections } from "./connections.ts";
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from "./limits.ts";
import { describeFault, problemResponse } from "./problem.ts";
import { clientErrorAnswer } from "./raw_answer.ts";
import { asksForSocket } from "./subscribers/websocket.ts";

/** Where and how to serve. */
export interface ServeOptions extends Omit<AppOptions, "stopping"> {
  /** The address to listen on; 127.0.0.1 unless given: nobody from outside. */
  readonly host?: string;
  /** 8080 unless given; 0 takes a free one. */
  readonly port?: number;
}

/** A server that runs. */
export interface RunningServer extends AsyncDisposable {
  /** Where it is: `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Where it listens, also when port 0 was asked for. */
  readonly port: number;
  /**
   * Stops: takes no more connections, tells followers, answers what is under way, and resolves
   * when all connections are gone, after `limits.stopMs` at the latest. The backend stays open.
   */
  close(): Promise<void>;
}

/** How often connections are looked over for those that are too slow. */
const CHECK_INTERVAL_MS = 1000;

/**
 * Serves a backend over HTTP.
 *
 * @throws {SeglogError} `unavailable` when the address cannot be listened on
 */
export async function serve(backend: Backend, options: ServeOptions = {}): Promise<RunningServer> {
  const { host = "127.0.0.1", port = 8080, ...appOptions } = options;
  const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
  const stopping = new AbortController();
  const service = createService(backend, { ...appOptions, stopping: stopping.signal });
  const answer = getRequestListener(service.app.fetch, {
    hostname: "localhost",
    errorHandler: (error) => problemResponse(toProblem(error)),
  });
  const server = createServer(serverOptions(limits), (incoming, outgoing) => {
    answer(incoming, outgoing).catch((error) => {
      options.onNotice?.(`server: ${describeFault(error)}`);
      outgoing.destroy();
    });
  });
  server.on("upgrade", service.upgrade);
  const connections = new Connections(server, limits.connectionsMax);
  refuseNonsense(server, limits);
  await listen(server, host, port);
  await service.start();
  server.on("error", (error) => options.onNotice?.(`server: ${describeFault(error)}`));
  const address = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      server.close();
      stopping.abort();
      await connections.stop(limits.stopMs);
      await service.close();
    })();
    return closing;
  };
  return {
    url: `http://${
      address.family === "IPv6" ? `[${address.address}]` : address.address
    }:${address.port}`,
    port: address.port,
    close,
    [Symbol.asyncDispose]: close,
  };
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

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      // Bun says EADDRINUSE of whatever it cannot listen on.
      const why = error.code === "EADDRINUSE"
        ? "another program listens there, or it is no address of this machine"
        : messageOf(error);
      reject(
        new SeglogError(
          "unavailable",
          `Cannot listen on ${host}:${port}: ${why}; choose another host or port, or port 0 for a free one`,
          { cause: error },
        ),
      );
    };
    server.once("error", failed);
    server.listen(port, host, () => {
      server.off("error", failed);
      resolve();
    });
  });
}
