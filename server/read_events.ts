/**
 * Records as server-sent events: follows the log until the client goes or the server stops.
 *
 * @module
 */
import { ShapeWriter } from "../core/format/write_shape.ts";
import { SeglogError } from "../core/base/errors.ts";
import { boundsHeaders } from "./answers.ts";
import { eventStream } from "./event_stream.ts";
import type { Exchange } from "./exchange.ts";
import { parseOffset } from "./query.ts";
import {
  type Portion,
  portionOf,
  RANGE_PARAMETERS,
  type ReadRange,
  readRange,
} from "./read_range.ts";
import { recordChunks } from "./record_chunks.ts";

/**
 * One event a record: `id` is the offset to go on from, `data` the record. The stream ends with an
 * event `end` when `until` or `limit` is reached or the server stops, or `error` with a problem.
 */
export async function readEvents(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...RANGE_PARAMETERS, "limit");
  const limit = query.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const lastEventId = exchange.request.headers.get("Last-Event-ID");
  const resumeFrom = lastEventId === null ? undefined : parseOffset(lastEventId);
  const range = await readRange(exchange, query, resumeFrom);
  if (range.reverse) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot follow in reverse: events come oldest first; accept application/json to read back",
    );
  }
  return eventStream(exchange, {
    headers: boundsHeaders(range.bounds, undefined),
    events: (signal) => records(exchange, range, { limit, signal }),
  });
}

interface Selection {
  readonly limit: number;
  /** Ends it quietly. */
  readonly signal: AbortSignal;
}

function records(
  exchange: Exchange,
  range: ReadRange,
  { limit, signal }: Selection,
): AsyncGenerator<Uint8Array, void, undefined> {
  const shapes = new ShapeWriter();
  return recordChunks(followed(exchange, range, signal), {
    limit,
    write: (writer, record) => {
      writer.text(`id: ${record.offset + 1}\ndata: `);
      shapes.write(writer, record, range);
      writer.text("\n\n");
    },
    onSent: (count) => exchange.services.metrics.sent(count),
  });
}

async function* followed(
  { backend }: Exchange,
  range: ReadRange,
  signal: AbortSignal,
): AsyncGenerator<Portion, void, undefined> {
  const { topic, partition, from, untilAsked, key } = range;
  if (untilAsked !== undefined && from >= untilAsked) return;
  const open = { ...range, until: untilAsked ?? Infinity };
  const options = { partition, from, until: untilAsked, key, follow: true, signal };
  for await (const batch of backend.batches(topic, options)) yield portionOf(batch, open);
}
