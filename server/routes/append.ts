/**
 * Appending records, by what the body is.
 *
 * @module
 */
import { onTopic } from "../access/access.ts";
import { appendBatches } from "../append_batches.ts";
import { appendBytes } from "../append_bytes.ts";
import { appendJson } from "../append_json.ts";
import { appendLines } from "../append_lines.ts";
import type { Exchange, Handler, Route } from "../exchange.ts";
import {
  BATCHES_TYPE,
  BYTES_TYPE,
  contentTypeOf,
  JSON_TYPE,
  NDJSON_TYPE,
  unsupportedType,
} from "../media_types.ts";

const HANDLERS: ReadonlyMap<string, Handler> = new Map([
  [JSON_TYPE, appendJson],
  [NDJSON_TYPE, appendLines],
  [BYTES_TYPE, appendBytes],
  [BATCHES_TYPE, appendBatches],
]);

/** The route of appends. */
export const APPEND_ROUTES: readonly Route[] = [
  { method: "POST", path: "/v1/topics/:topic/records", access: onTopic("produce"), handle: append },
];

function append(exchange: Exchange): Response | Promise<Response> {
  const type = contentTypeOf(exchange.request);
  const handle = HANDLERS.get(type);
  if (handle === undefined) throw unsupportedType(type, [...HANDLERS.keys()]);
  return handle(exchange);
}
