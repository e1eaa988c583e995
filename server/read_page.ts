/**
 * One page of records as JSON.
 *
 * @module
 */
import type { LogRecord } from "../core/format/record.ts";
import { formatRecordShape } from "../core/format/write_shape.ts";
import { boundsHeaders, jsonText } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { PAGE_BYTES_MAX, PAGE_RECORDS_DEFAULT, PAGE_RECORDS_MAX } from "./limits.ts";
import {
  isDamage,
  keyFilter,
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
  const query = exchange.query(...RANGE_PARAMETERS, "limit", "key");
  const limit = query.whole("limit", 1, PAGE_RECORDS_MAX) ?? PAGE_RECORDS_DEFAULT;
  const range = await readRange(exchange, query);
  const page = new Page(range, limit, keyFilter(query));
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
  exchange.services.metrics.sent(page.records.length);
  const bounds = page.isEmpty || range.waitMs === 0
    ? range.bounds
    : await exchange.backend.bounds(range.topic, range.partition);
  const { logStartOffset, durableOffset, nextOffset } = bounds;
  const { topic, partition } = range;
  const body = `{"topic":${JSON.stringify(topic)},"partition":${partition},"records":[${
    page.records.join(",")
  }],"next":${page.next},"logStartOffset":${logStartOffset},"durableOffset":${durableOffset},"nextOffset":${nextOffset}}`;
  return jsonText(body, { headers: boundsHeaders(bounds, page.next) });
}

/** Shapes of records until there are enough of them. */
class Page {
  readonly records: string[] = [];
  /** Where the next page starts; in reverse, where it ends. */
  next: number;
  isFull = false;
  readonly #range: ReadRange;
  readonly #limit: number;
  readonly #filter: ((record: LogRecord) => boolean) | undefined;
  #chars = 0;

  constructor(range: ReadRange, limit: number, filter?: (record: LogRecord) => boolean) {
    this.#range = range;
    this.#limit = limit;
    this.#filter = filter;
    this.next = range.reverse ? range.until : range.from;
  }

  get isEmpty(): boolean {
    return this.records.length === 0;
  }

  /** Takes what fits; false when there is no more room. */
  take(portion: Portion): boolean {
    for (const record of portion.records) {
      if (this.#filter === undefined || this.#filter(record)) {
        if (this.records.length === this.#limit) return this.#full();
        const shape = formatRecordShape(record, this.#range);
        if (!this.isEmpty && this.#chars + shape.length > PAGE_BYTES_MAX) return this.#full();
        this.records.push(shape);
        this.#chars += shape.length;
      }
      this.next = this.#range.reverse ? record.offset : record.offset + 1;
    }
    this.next = portion.next;
    return true;
  }

  #full(): false {
    this.isFull = true;
    return false;
  }
}
