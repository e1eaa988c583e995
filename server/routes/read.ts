/**
 * Reading records, by what the client accepts.
 *
 * @module
 */
import { onTopic } from "../access/access.ts";
import type { Exchange, Handler, Route } from "../exchange.ts";
import { BATCHES_TYPE, EVENTS_TYPE, JSON_TYPE, NDJSON_TYPE, negotiate } from "../media_types.ts";
import { readBatches } from "../read_batches.ts";
import { readEvents } from "../read_events.ts";
import { readLines } from "../read_lines.ts";
import { readPage } from "../read_page.ts";

const OFFERED = [JSON_TYPE, NDJSON_TYPE, EVENTS_TYPE, BATCHES_TYPE] as const;

const HANDLERS: { readonly [Type in typeof OFFERED[number]]: Handler } = {
  [JSON_TYPE]: readPage,
  [NDJSON_TYPE]: readLines,
  [EVENTS_TYPE]: readEvents,
  [BATCHES_TYPE]: readBatches,
};

/** The route of reading ranges. */
export const READ_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/topics/:topic/records", access: onTopic("consume"), handle: read },
];

function read(exchange: Exchange): Response | Promise<Response> {
  return HANDLERS[negotiate(exchange.request, OFFERED)](exchange);
}
