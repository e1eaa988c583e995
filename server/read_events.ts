/**
 * Records as server-sent events: follows the log until the client goes or the server stops.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import type { LogRecord } from "../core/format/record.ts";
import { ShapeWriter } from "../core/format/write_shape.ts";
import { boundsHeaders } from "./answers.ts";
import { eventStream } from "./event_stream.ts";
import type { Exchange } from "./exchange.ts";
import { CHUNK_BYTES } from "./limits.ts";
import { parseOffset } from "./query.ts";
import type { ReadRange } from "./read_range.ts";
import { type Framing, type Note, pieces } from "./subscribers/pieces.ts";
import { SUBSCRIPTION_PARAMETERS, subscriptionOf } from "./subscribers/subscription.ts";

/**
 * One event a record: `id` is the offset to go on from, `data` the record. Events `lag`,
 * `caught-up` and `lost` say how the client stands. The stream ends with an event `end` when `until`
 * or `limit` is reached or the server stops, or `error` with a problem.
 */
export async function readEvents(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...SUBSCRIPTION_PARAMETERS);
  const lastEventId = exchange.request.headers.get("Last-Event-ID");
  const resumeFrom = lastEventId === null ? undefined : parseOffset(lastEventId);
  const subscription = await subscriptionOf(exchange, query, resumeFrom);
  const { range } = subscription;
  return eventStream(exchange, {
    headers: boundsHeaders(range.bounds, undefined),
    events: (signal) =>
      pieces(exchange, subscription, { framing: new EventFraming(range), signal }),
  });
}

/** Records and notes as events. */
class EventFraming implements Framing<Uint8Array> {
  readonly #range: ReadRange;
  readonly #shapes = new ShapeWriter();
  readonly #text = new ByteWriter(2 * CHUNK_BYTES);

  constructor(range: ReadRange) {
    this.#range = range;
  }

  get length(): number {
    return this.#text.length;
  }

  record(record: LogRecord): void {
    this.#text.text(`id: ${record.offset + 1}\ndata: `);
    this.#shapes.write(this.#text, record, this.#range);
    this.#text.text("\n\n");
  }

  note({ event, ...members }: Note): void {
    // A client that reconnects must not be told again of what is lost.
    if (event === "lost") this.#text.text(`id: ${members.end}\n`);
    this.#text.text(`event: ${event}\ndata: ${JSON.stringify(members)}\n\n`);
  }

  take(): Uint8Array {
    return this.#text.take();
  }
}
