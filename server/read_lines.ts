/**
 * Records as one JSON text a line, streamed.
 *
 * @module
 */
import { ShapeWriter } from "../core/format/write_shape.ts";
import { boundsHeaders } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { lineStream } from "./line_stream.ts";
import {
  type Portion,
  portionOf,
  portions,
  RANGE_PARAMETERS,
  type ReadRange,
  readRange,
} from "./read_range.ts";
import { recordChunks } from "./record_chunks.ts";
import { arrivals } from "./waiting.ts";

/** Streams all records of the range. */
export async function readLines(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...RANGE_PARAMETERS, "limit");
  const limit = query.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const range = await readRange(exchange, query);
  const shapes = new ShapeWriter();
  const lines = recordChunks(upcoming(exchange, range), {
    limit,
    write: (writer, record) => {
      shapes.write(writer, record, range);
      writer.text("\n");
    },
    onSent: (count) => exchange.services.metrics.sent(count),
  });
  return await lineStream(exchange, lines, boundsHeaders(range.bounds, undefined));
}

/** What is there; where nothing is, what comes first within the time to wait. */
async function* upcoming(
  exchange: Exchange,
  range: ReadRange,
): AsyncGenerator<Portion, void, undefined> {
  if (range.from < range.until) return yield* portions(exchange.backend, range);
  const open = { ...range, until: range.untilAsked ?? Infinity };
  for await (const batch of arrivals(exchange, range, range.from)) {
    return yield portionOf(batch, open);
  }
}
