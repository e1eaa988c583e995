/**
 * Requests that a page of another site can make without being asked whether it may.
 *
 * @module
 */
import type { IncomingHttpHeaders } from "node:http";
import { SeglogError } from "../core/base/errors.ts";
import { contentTypeOf, unsupportedType } from "./media_types.ts";

/** What the forms of a page can send, and a page that does not say what it sends. */
const FORM_TYPES: readonly string[] = [
  "",
  "text/plain",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
];

/**
 * Refuses what may be the form of a page. A browser says where its request is from, and sends any
 * other type only where the server allowed it, which this one never does.
 *
 * @param taken what to send instead
 * @throws {SeglogError} `unsupported-media-type`
 */
export function refuseForms(request: Request, taken: readonly string[]): void {
  const type = contentTypeOf(request);
  if (request.headers.has("origin") && FORM_TYPES.includes(type)) {
    throw unsupportedType(type, taken);
  }
}

/**
 * Refuses pages of other sites, which a browser lets open a WebSocket anywhere, with nobody asked.
 *
 * @throws {SeglogError} `forbidden`
 */
export function refuseForeignPages({ origin, host }: IncomingHttpHeaders): void {
  if (origin === undefined) return;
  if (host !== undefined && URL.canParse(origin) && new URL(origin).host === host) return;
  throw new SeglogError(
    "forbidden",
    `Cannot open a WebSocket for a page of ${origin.slice(0, 200)}: only those of this server may`,
  );
}
