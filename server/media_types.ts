/**
 * What bodies are: the media types of records, and choosing one that a client accepts.
 *
 * @module
 */
import { parseAccept } from "hono/utils/accept";
import { SeglogError } from "../core/base/errors.ts";

/** One JSON text. */
export const JSON_TYPE = "application/json";
/** One JSON text a line. */
export const NDJSON_TYPE = "application/x-ndjson";
/** One value as it is. */
export const BYTES_TYPE = "application/octet-stream";
/** Encoded batches, one after another. */
export const BATCHES_TYPE = "application/vnd.seglog.batch";
/** Text, which is UTF-8. */
export const TEXT_TYPE = "text/plain";
/** Server-sent events. */
export const EVENTS_TYPE = "text/event-stream";

/** The media type of a request's body, lower case and without parameters; empty when not said. */
export function contentTypeOf(request: Request): string {
  const header = request.headers.get("content-type") ?? "";
  const semicolon = header.indexOf(";");
  return (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
}

/** The error for a body of a type that is not taken. */
export function unsupportedType(type: string, taken: readonly string[]): SeglogError {
  const shown = type === "" ? "no Content-Type" : `Content-Type ${type.slice(0, 80)}`;
  return new SeglogError(
    "unsupported-media-type",
    `Cannot read a body with ${shown}: send ${taken.join(", ")}`,
  );
}

/**
 * The first of `offered` that the client likes best.
 *
 * @param offered best first: what a client gets that takes anything
 * @throws {SeglogError} `not-acceptable`
 */
export function negotiate<Type extends string>(request: Request, offered: readonly Type[]): Type {
  const header = request.headers.get("accept");
  if (header === null || header === "" || header === "*/*") return offered[0]!;
  for (const type of offered) if (header === type) return type;
  for (const { type, q } of parseAccept(header)) {
    const found = q > 0 ? offered.find((offer) => matches(type.toLowerCase(), offer)) : undefined;
    if (found !== undefined) return found;
  }
  throw new SeglogError(
    "not-acceptable",
    `Cannot answer with ${JSON.stringify(header.slice(0, 80))}: accept ${offered.join(", ")}`,
  );
}

/** Whether a type is what the client likes best, and not only one of those that it takes. */
export function prefers(request: Request, type: string): boolean {
  const header = request.headers.get("accept");
  if (header === null || !header.toLowerCase().includes(type)) return false;
  return parseAccept(header)[0]?.type.toLowerCase() === type;
}

function matches(accepted: string, offer: string): boolean {
  if (accepted === offer || accepted === "*/*" || accepted === "*") return true;
  return accepted.endsWith("/*") && offer.startsWith(accepted.slice(0, -1));
}
