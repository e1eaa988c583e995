/**
 * What lies in segment files, found by trying every place: no more may be read from a log than this,
 * and nothing of it may be passed over in silence.
 *
 * @module
 */
import assert from "node:assert/strict";
import { decodeBatch, type Log, SeglogError } from "../../mod.ts";
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";
import { type FlatRecord, flatten } from "../golden/flat_record.ts";
import { outcomeOf, READ_CODES } from "./target.ts";

/** Offsets `[start, end)`. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** The records that some segments hold at any place where a batch can be believed. */
export class Truth {
  readonly #batches: (Range & { readonly records: ReadonlyMap<number, string> })[] = [];

  /** @param segments whole files, with their headers */
  constructor(segments: readonly Uint8Array[]) {
    for (const segment of segments) {
      const header = headerOf(segment);
      if (header !== undefined) this.#addBatches(segment, header.salt);
    }
  }

  has(record: FlatRecord): boolean {
    const shown = JSON.stringify(record);
    return this.#batches.some(({ records }) => records.get(record.offset) === shown);
  }

  /**
   * Reads a log from its start and asserts that what comes was stored, in order, each once, and that
   * nothing is missing where no error was.
   *
   * @param removed offsets that have no record because they were truncated
   * @returns what came, and whether no error ended it
   */
  async read(
    log: Log,
    removed: readonly Range[] = [],
  ): Promise<{ records: FlatRecord[]; isWhole: boolean }> {
    const records: FlatRecord[] = [];
    const { logStartOffset, nextOffset } = log;
    const reading = await outcomeOf(async () => {
      for await (const record of log.records()) records.push(flatten(record));
    }, READ_CODES);
    const isWhole = reading.error === undefined;
    let expected = logStartOffset;
    for (const record of records) {
      assert.ok(record.offset >= expected && record.offset < nextOffset, `offset ${record.offset}`);
      assert.ok(this.has(record), `a record that was never stored: ${JSON.stringify(record)}`);
      this.#checkAbsent({ start: expected, end: record.offset }, removed);
      expected = record.offset + 1;
    }
    if (isWhole) this.#checkAbsent({ start: expected, end: nextOffset }, removed);
    return { records, isWhole };
  }

  /** Offsets that were passed over without an error: batches cover them and have no record there. */
  #checkAbsent({ start, end }: Range, removed: readonly Range[]): void {
    const covers = ({ start, end }: Range, at: number) => at >= start && at < end;
    for (let at = start; at < end;) {
      const range = [...removed, ...this.#batches].find((range) => covers(range, at));
      assert.ok(range !== undefined, `offset ${at} is missing, and nothing says so`);
      at = range.end;
    }
    for (const offset of this.#batches.flatMap(({ records }) => [...records.keys()])) {
      if (offset < start || offset >= end || removed.some((range) => covers(range, offset))) {
        continue;
      }
      const isThinned = this.#batches.some((batch) =>
        covers(batch, offset) && !batch.records.has(offset)
      );
      assert.ok(isThinned, `offset ${offset} is passed over in silence`);
    }
  }

  #addBatches(segment: Uint8Array, salt: number): void {
    for (let at = SEGMENT_HEADER_BYTES; at < segment.length; at += 8) {
      const batch = decodeBatch(segment, at, salt);
      if (typeof batch === "string" || !batch.isIntact()) continue;
      const records = new Map<number, string>();
      try {
        for (const record of batch.records()) {
          records.set(record.offset, JSON.stringify(flatten(record)));
        }
      } catch (error) {
        if (!(error instanceof SeglogError)) throw error;
      }
      this.#batches.push({ start: batch.baseOffset, end: batch.nextOffset, records });
    }
  }
}

function headerOf(segment: Uint8Array) {
  try {
    const header = decodeSegmentHeader(segment);
    return typeof header === "string" ? undefined : header;
  } catch {
    return undefined; // of a later version
  }
}
