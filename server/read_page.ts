/**
 * One page of records as JSON.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import type { LogRecord } from "../core/format/record.ts";
import { ShapeWriter } from "../core/format/write_shape.ts";
import { boundsHeaders, wholeAnswer } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { JSON_TYPE } from "./media_types.ts";
import { PAGE_BYTES_MAX, PAGE_RECORDS_DEFAULT, PAGE_RECORDS_MAX } from "./limits.ts";
import {
  isDamage,
  type Portion,
  portionOf,
  portions,
  RANGE_PARAMETERS,
  rangeEnd,
  type ReadRange,
  readRange,
} from "./read_range.ts";
import { arrivals } from "./waiting.ts";

/** Answers with at most `limit` records, after waiting for the first where that was asked for. */
export async function readPage(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...RANGE_PARAMETERS, "limit");
  const limit = query.whole("limit", 1, PAGE_RECORDS_MAX) ?? PAGE_RECORDS_DEFAULT;
  const range = await readRange(exchange, query);
  const page = new Page(range, limit);
  try {
    for await (const portion of portions(exchange.backend, range)) {
      if (!page.take(portion)) break;
    }
    if (!page.isFull) page.next = rangeEnd(range);
  } catch (error) {
    // Damage does not take away what can be read before it; the next page tells of it.
    if (page.isEmpty || !isDamage(error)) throw error;
  }
  if (page.isEmpty) {
    const open = { ...range, until: range.untilAsked ?? Infinity };
    for await (const batch of arrivals(exchange, range, page.next)) {
      page.take(portionOf(batch, { ...open, from: page.next }));
      if (!page.isEmpty) break;
    }
  }
  exchange.services.metrics.sent(page.count);
  const bounds = page.isEmpty || range.waitMs === 0
    ? range.bounds
    : await exchange.backend.bounds(range.topic, range.partition);
  const { logStartOffset, durableOffset, nextOffset } = bounds;
  const { topic, partition } = range;
  const body = new ByteWriter();
  body.text(`{"topic":${JSON.stringify(topic)},"partition":${partition},"records":[`);
  body.bytes(page.shapes());
  body.text(
    `],"next":${page.next},"logStartOffset":${logStartOffset},"durableOffset":${durableOffset},"nextOffset":${nextOffset}}`,
  );
  const headers = boundsHeaders(bounds, page.next);
  return wholeAnswer(JSON_TYPE, body.subarray(0, body.length), { headers });
}

/** Shapes of records until there are enough of them. */
class Page {
  /** Records that were taken. */
  count = 0;
  /** Where the next page starts; in reverse, where it ends. */
  next: number;
  isFull = false;
  readonly #range: ReadRange;
  readonly #limit: number;
  /** Shapes of the records, with commas between them. */
  readonly #text = new ByteWriter();
  readonly #shapes = new ShapeWriter();

  constructor(range: ReadRange, limit: number) {
    this.#range = range;
    this.#limit = limit;
    this.next = range.reverse ? range.until : range.from;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** The text of all shapes: a view. */
  shapes(): Uint8Array {
    return this.#text.subarray(0, this.#text.length);
  }

  /** Takes what fits; false when there is no more room. */
  take(portion: Portion): boolean {
    for (const record of portion.records) {
      if (this.count === this.#limit) return this.#fullBefore(record);
      const { length } = this.#text;
      if (!this.isEmpty) this.#text.text(",");
      this.#shapes.write(this.#text, record, this.#range);
      if (!this.isEmpty && this.#text.length > PAGE_BYTES_MAX) {
        this.#text.truncate(length);
        return this.#fullBefore(record);
      }
      this.count++;
      this.next = this.#range.reverse ? record.offset : record.offset + 1;
    }
    this.next = portion.next;
    return true;
  }

  /** The next page begins with this record: nothing in between was asked for. */
  #fullBefore({ offset }: LogRecord): false {
    this.isFull = true;
    this.next = this.#range.reverse ? offset + 1 : offset;
    return false;
  }
}
