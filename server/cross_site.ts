/**
 * Requests that a page of another site can make without being asked whether it may.
 *
 * @module
 */
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
