/**
 * Reads single records by offset, and keeps what it read for the next time: a record costs about
 * as much however large the batch is that it came in.
 *
 * @module
 */
import type { ClockCache } from "../base/clock_cache.ts";
import { PAGED_BATCH_BYTES_MIN } from "../base/limits.ts";
import { BatchView } from "../format/batch.ts";
import type { LogRecord } from "../format/record.ts";
import { isCorrupt } from "./damage.ts";
import { PagedBatch } from "./paged_batch.ts";
import { type CheckedPart, RecordBlock } from "./record_block.ts";
import type { ReadableSegment } from "./segment_file.ts";
import { type SegmentEnd, SegmentWalk } from "./segment_walk.ts";
import type { IndexedBatch } from "./sparse_index.ts";
import { type LogView, segmentAt } from "./view.ts";

/** What is in memory from one entry of a sparse index to the next. */
interface Known {
  /** Where it is: another segment may come to hold the same offsets. */
  readonly segment: ReadableSegment;
  /** How far it goes: behind the last entry of an active segment, more may have come since. */
  readonly nextOffset: number;
  readonly content: RecordBlock | PagedBatch;
}

/** The single records of one log. */
export class PointReader {
  readonly #view: LogView;
  readonly #cache: ClockCache;
  /** What is in the cache, by its first offset. */
  readonly #known = new Map<number, Known>();

  /** @param cache bounds the bytes that are kept, of this log and of others */
  constructor(view: LogView, cache: ClockCache) {
    this.#view = view;
    this.#cache = cache;
  }

  /**
   * The record at an offset that was neither removed nor lost.
   *
   * @returns `undefined` when it cannot be had this way, because of damage, or since compaction took
   * it: a walk finds it, or says what is wrong
   */
  find(offset: number): LogRecord | undefined {
    try {
      return this.#contentAt(segmentAt(this.#view, offset), offset)?.find(offset);
    } catch (error) {
      if (isCorrupt(error) || error instanceof RangeError) return undefined;
      throw error;
    }
  }

  #contentAt(segment: ReadableSegment, offset: number): Known["content"] | undefined {
    const index = segment.index();
    const entry = index.entryOf(offset);
    if (entry < 0) return undefined;
    const start = index.offsetOf(entry);
    const known = this.#known.get(start);
    if (known !== undefined) {
      if (known.segment === segment && offset < known.nextOffset) {
        known.content.wasUsed();
        return known.content;
      }
      this.#forget(start, known.content);
    }
    const end = entry + 1 === index.count
      ? { bytes: segment.bytes, nextOffset: segment.nextOffset }
      : { bytes: index.positionOf(entry + 1), nextOffset: index.offsetOf(entry + 1) };
    const content = this.#load(segment, { position: index.positionOf(entry), offset: start }, end);
    if (content === undefined) return undefined;
    this.#known.set(start, { segment, nextOffset: end.nextOffset, content });
    this.#cache.add(content);
    return content;
  }

  #forget(start: number, content: Known["content"]): void {
    this.#cache.drop(content);
    this.#known.delete(start);
  }

  /** Reads from one entry to the next, which has to be whole: an index that lies is found out here. */
  #load(
    segment: ReadableSegment,
    start: IndexedBatch,
    end: SegmentEnd,
  ): Known["content"] | undefined {
    const batches: BatchView[] = [];
    const walk = new SegmentWalk(segment.source(), end, start, end.bytes - start.position);
    for (const found of walk) {
      const isWhole = found instanceof BatchView && found.isIntact();
      if (!isWhole) return undefined;
      batches.push(found);
    }
    const { offset, position } = start;
    const onEvict = () => void this.#known.delete(offset);
    const [first] = batches;
    if (batches.length === 1 && isPaged(first!)) {
      return new PagedBatch(first!, { segment, position, cache: this.#cache, onEvict });
    }
    const parts = batches.map((batch): CheckedPart => {
      const { header, isDense } = batch;
      return { header, isDense, bytes: batch.payload(), count: header.recordCount };
    });
    return new RecordBlock(offset, parts, onEvict);
  }
}

function isPaged({ header, isDense }: BatchView): boolean {
  return isDense && header.codec === "none" && header.payloadLength >= PAGED_BATCH_BYTES_MIN;
}
