/**
 * Records as one JSON text a line, streamed.
 *
 * @module
 */
import { encodeUtf8 } from "../core/base/bytes.ts";
import { ShapeWriter } from "../core/format/write_shape.ts";
import { boundsHeaders } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { NDJSON_TYPE } from "./media_types.ts";
import { describeFault, isServerFault, problemJson } from "./problem.ts";
import {
  keyFilter,
  type Portion,
  portionOf,
  portions,
  RANGE_PARAMETERS,
  type ReadRange,
  readRange,
} from "./read_range.ts";
import { recordChunks } from "./record_chunks.ts";
import { streamOf } from "./streaming.ts";
import { arrivals } from "./waiting.ts";

/**
 * Streams all records of the range. What fails before the first record is answered as an error;
 * later the stream ends with a line `{"error":…}` and the connection is cut, so that nobody takes
 * it for the whole.
 */
export async function readLines(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...RANGE_PARAMETERS, "limit", "key");
  const limit = query.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const range = await readRange(exchange, query);
  const shapes = new ShapeWriter();
  const lines = recordChunks(upcoming(exchange, range), {
    limit,
    filter: keyFilter(query),
    write: (writer, record) => {
      shapes.write(writer, record, range);
      writer.text("\n");
    },
    onSent: (count) => exchange.services.metrics.sent(count),
  });
  const first = await lines.next();
  const leaving = new AbortController();
  const body = streamOf(withFirst(first, lines, { exchange, leaving: leaving.signal }), () => {
    leaving.abort();
    void lines.return();
  });
  const headers = { "content-type": NDJSON_TYPE, ...boundsHeaders(range.bounds, undefined) };
  return new Response(body, { headers });
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

async function* withFirst(
  first: IteratorResult<Uint8Array, void>,
  rest: AsyncGenerator<Uint8Array, void, undefined>,
  { exchange, leaving }: { exchange: Exchange; leaving: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { services, cut } = exchange;
  if (first.done) return;
  try {
    yield first.value;
    yield* rest;
  } catch (error) {
    if (isServerFault(error)) services.notice(describeFault(error));
    yield encodeUtf8(`{"error":${problemJson(error)}}\n`);
    if (cut === undefined) throw error;
    // Ending the stream would end the answer well, and failing it would lose what is on its way.
    cut();
    if (leaving.aborted) return;
    await new Promise((resolve) => leaving.addEventListener("abort", resolve, { once: true }));
  }
}
