/**
 * Who a call on HTTP/2 is from: what a page of another site asks is refused, and a client that has
 * shown a certificate is its subject.
 *
 * Under which name the server is called is of no matter here. No browser speaks HTTP/2 without TLS,
 * and with TLS a page whose name was made to point to the server finds a certificate for another.
 *
 * @module
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { callerFactsOf, checkCaller } from "../access/callers.ts";
import { corsHeaders, preflightHeaders } from "../access/cors.ts";
import type { Services } from "../exchange.ts";
import { subjectOf } from "../tls/peer.ts";

type HeaderFields = Readonly<Record<string, string>>;

/**
 * The subject of the client, if it has shown a certificate.
 *
 * @throws {SeglogError} `forbidden` for a page of another site; `unauthenticated` for a certificate
 * that does not count
 */
export function checkedSubject(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { callers, clock }: Services,
): string | undefined {
  const facts = callerFactsOf(headers[":method"] ?? "", (name) => headerOf(headers, name));
  checkCaller({ ...callers, hosts: ["*"] }, facts);
  const socket = stream.session?.socket;
  return socket === undefined ? undefined : subjectOf(socket, clock.now());
}

/** The headers of every answer, for pages of allowed origins. */
export function corsOf(headers: IncomingHttpHeaders, { callers }: Services): HeaderFields {
  return corsHeaders(callers, headers.origin);
}

/** The headers that answer a browser which asks whether a page may call. */
export function preflightOf(
  headers: IncomingHttpHeaders,
  { callers }: Services,
): HeaderFields | undefined {
  return preflightHeaders(callers, {
    method: headers[":method"] ?? "",
    origin: headers.origin,
    wantedMethod: headerOf(headers, "access-control-request-method"),
    wantedHeaders: headerOf(headers, "access-control-request-headers"),
  });
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
