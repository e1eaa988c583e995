/**
 * A request before anybody is let in: what it says of who asks, and from where.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { type CallerFacts, callerFactsOf } from "./access/callers.ts";
import { preflightHeaders } from "./access/cors.ts";
import type { Services } from "./exchange.ts";
import type { Caller } from "./front_desk.ts";
import { subjectOf } from "./tls/peer.ts";

/** A request that came, and where it came. */
export interface Asked {
  readonly request: Request;
  readonly services: Services;
  /** Cuts the connection when what was sent is out; there is none where the app is called directly. */
  readonly cut: (() => void) | undefined;
  /** The request as Node's server has it; there is none where the app is called directly. */
  readonly incoming: IncomingMessage | undefined;
}

/** What whoever asks shows. @throws {SeglogError} `unauthenticated` for a certificate that is over */
export function callerOf(asked: Asked): Caller {
  const socket = asked.incoming?.socket;
  return {
    authorization: headerOf(asked, "authorization"),
    subject: socket === undefined ? undefined : subjectOf(socket, asked.services.clock.now()),
  };
}

/** What tells the request of a foreign page. */
export function callerFacts(asked: Asked): CallerFacts {
  return callerFactsOf(asked.request.method, (name) => headerOf(asked, name));
}

/** The headers that answer a browser which asks whether a page may ask. */
export function preflightOf(asked: Asked): Readonly<Record<string, string>> | undefined {
  const { method } = asked.request;
  if (method !== "OPTIONS") return undefined;
  return preflightHeaders(asked.services.callers, {
    method,
    origin: headerOf(asked, "origin"),
    wantedMethod: headerOf(asked, "access-control-request-method"),
    wantedHeaders: headerOf(asked, "access-control-request-headers"),
  });
}

/** A header that comes once, from where it is at hand. */
export function headerOf({ request, incoming }: Asked, name: string): string | undefined {
  if (name.startsWith(":")) return undefined; // HTTP/1 has none, and a Request takes none
  if (incoming === undefined) return request.headers.get(name) ?? undefined;
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
