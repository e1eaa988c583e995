/**
 * Subscribing over a WebSocket: the way in. A client that may not have what it asks for is answered
 * over HTTP, with the same problem details as everywhere, and no WebSocket is opened.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { SeglogError } from "../../core/base/errors.ts";
import { onTopic } from "../access/access.ts";
import { checkCaller } from "../access/callers.ts";
import { callerFacts, callerOf } from "../asked.ts";
import { Exchange, type Services, splitTarget } from "../exchange.ts";
import { logFault } from "../fault.ts";
import { SOCKET_MESSAGE_BYTES_MAX } from "../limits.ts";
import { isServerFault, toldError } from "../problem.ts";
import { rawProblem } from "../raw_answer.ts";
import { demandRole } from "../roles.ts";
import { offeredCredentials, SOCKET_PROTOCOL } from "./socket_protocols.ts";
import { MANNER_PARAMETERS, mannerOf, serveSocket } from "./socket_session.ts";
import { SUBSCRIPTION_PARAMETERS, subscriptionOf } from "./subscription.ts";

/** What a server's `upgrade` event hands over. */
export type Upgrade = (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => void;

const ROUTE = { method: "GET", path: "/v1/topics/:topic/records" };
const PATH = /^\/v1\/topics\/[^/]+\/records$/;
const SWITCHING_PROTOCOLS = 101;

/** Whether a request asks for a WebSocket; anything else that it could be is not taken up. */
export function asksForSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === "websocket";
}

/** Opens WebSockets for subscribers of these services. */
export function socketDoor(services: Services): Upgrade {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Compressing costs memory and time for each client, and invites mixing secrets with what is sent.
    perMessageDeflate: false,
    maxPayload: SOCKET_MESSAGE_BYTES_MAX,
    handleProtocols: (offered) => offered.has(SOCKET_PROTOCOL) ? SOCKET_PROTOCOL : false,
  });
  const open = (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) =>
    new Promise<WebSocket>((resolve) => {
      sockets.handleUpgrade(incoming, socket, head as Buffer, resolve);
    });
  return async (incoming, socket, head) => {
    const startMs = performance.now();
    let status = SWITCHING_PROTOCOLS;
    try {
      const { exchange, ...wanted } = await admit(services, incoming);
      void open(incoming, socket, head).then((opened) => serveSocket(exchange, opened, wanted));
    } catch (error) {
      services.metrics.failed("http", error);
      if (isServerFault(error)) logFault(services.logger, error, { what: "open a WebSocket" });
      const told = toldError(error);
      status = told.httpStatus;
      socket.end(rawProblem(told));
    }
    services.metrics.answered(ROUTE, status, (performance.now() - startMs) / 1000);
  };
}

/** Lets a subscriber in, or says why not. @throws {SeglogError} */
async function admit(services: Services, incoming: IncomingMessage) {
  const request = requestOf(incoming);
  const asked = { request, services, cut: undefined, incoming };
  checkCaller(services.callers, callerFacts(asked));
  const { path } = splitTarget(request.url);
  if (!PATH.test(path)) {
    throw new SeglogError(
      "not-found",
      `Cannot open a WebSocket at ${path.slice(0, 200)}: they are at /v1/topics/TOPIC/records`,
    );
  }
  const offered = offeredCredentials(incoming.headers["sec-websocket-protocol"]);
  const { authorization = offered, ...shown } = callerOf(asked);
  const visitor = await services.desk.admit({ ...shown, authorization });
  const exchange = new Exchange(request, { services, visitor, incoming });
  onTopic("consume").demand(exchange);
  demandRole(services.role, "read");
  const query = exchange.query(...SUBSCRIPTION_PARAMETERS, ...MANNER_PARAMETERS);
  const manner = mannerOf(query);
  return { exchange, subscription: await subscriptionOf(exchange, query), manner };
}

/** The request as routes see it. @throws {SeglogError} `invalid-argument` */
function requestOf(incoming: IncomingMessage): Request {
  try {
    return new Request(new URL(incoming.url ?? "/", "http://localhost"));
  } catch (cause) {
    throw new SeglogError("invalid-argument", "Cannot read the request: its URL is none", {
      cause,
    });
  }
}
