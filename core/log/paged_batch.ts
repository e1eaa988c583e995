/**
 * A large batch whose records are read one at a time. Its checksum covers all of it, so the first
 * reading takes it whole. From what passed, the checksums of its pages are remembered, and later
 * readings take and check one page.
 *
 * @module
 */
import { lastIndexWhere } from "../base/binary_search.ts";
import { ByteReader } from "../base/bytes.ts";
import { CacheEntry, type ClockCache } from "../base/clock_cache.ts";
import { crc32 } from "../base/crc32.ts";
import { PAGE_BYTES, PAGE_RECORDS_MAX } from "../base/limits.ts";
import type { BatchView } from "../format/batch.ts";
import { seekField, TAG_PRODUCER, TAG_RECORD } from "../format/batch_fields.ts";
import { BATCH_HEADER_BYTES, type BatchHeader } from "../format/batch_header.ts";
import { decodeRecord } from "../format/decode_record.ts";
import type { LogRecord } from "../format/record.ts";
import type { ReadableSegment } from "./segment_file.ts";

/** Bytes of the memory of a page: the page, and where each of its records starts. */
const PAGE_MEMORY_BYTES = PAGE_BYTES + 2 * PAGE_RECORDS_MAX;
/** Bytes that a table of pages takes for each, and for itself. */
const PAGE_ENTRY_BYTES = 12;
const TABLE_BYTES = 512;

/** The pages of one batch, each read when a record of it is wanted. */
export class PagedBatch extends CacheEntry {
  override readonly cost: number;
  /** To have a table again, all of the batch has to be read; to have a page, the page. */
  override readonly worth = 4;
  readonly #header: BatchHeader;
  readonly #segment: ReadableSegment;
  readonly #position: number;
  readonly #table: PageTable;
  readonly #pages: (Page | undefined)[];
  readonly #cache: ClockCache;
  readonly #onEvict: () => void;

  /**
   * @param batch uncompressed and dense, with a checksum that was found right
   * @param place where the batch is, and the cache that its pages go to
   * @throws {RangeError} when its payload is malformed
   */
  constructor(
    batch: BatchView,
    place: { segment: ReadableSegment; position: number; cache: ClockCache; onEvict: () => void },
  ) {
    super();
    this.#header = batch.header;
    this.#segment = place.segment;
    this.#position = place.position + BATCH_HEADER_BYTES;
    this.#cache = place.cache;
    this.#onEvict = place.onEvict;
    this.#table = pageTable(batch);
    this.#pages = new Array(this.#table.checksums.length);
    this.cost = TABLE_BYTES + this.#pages.length * PAGE_ENTRY_BYTES;
  }

  /**
   * The record at an offset of the batch, or `undefined` when it cannot be believed any more.
   *
   * @throws {RangeError} when its page is malformed
   */
  find(offset: number): LogRecord | undefined {
    const { starts, firsts } = this.#table;
    const index = offset - this.#header.baseOffset;
    const number = lastIndexWhere(this.#pages.length, (i) => firsts[i]! <= index);
    const length = starts[number + 1]! - starts[number]!;
    if (length > PAGE_BYTES) { // one large record: its page is handed out with it
      const bytes = new Uint8Array(length);
      return this.#read(number, bytes) ? this.#decode(new ByteReader(bytes), index) : undefined;
    }
    const known = this.#pages[number];
    known?.wasUsed();
    const page = known ?? this.#load(number, length);
    return page && this.#decode(page.readerAt(index - firsts[number]!), index);
  }

  override evict(): void {
    for (const page of this.#pages) if (page !== undefined) this.#cache.drop(page);
    this.#onEvict();
  }

  #decode(reader: ByteReader, index: number): LogRecord | undefined {
    const { baseOffset, baseTimestampMs } = this.#header;
    const length = seekField(reader, TAG_RECORD, TAG_PRODUCER);
    if (length === undefined) return undefined;
    return decodeRecord(reader, length, { baseOffset, baseTimestampMs, index });
  }

  #load(number: number, length: number): Page | undefined {
    const memory = new Uint8Array(PAGE_MEMORY_BYTES);
    if (!this.#read(number, memory.subarray(0, length))) return undefined;
    const page = new Page(memory, length, () => this.#pages[number] = undefined);
    this.#pages[number] = page;
    this.#cache.add(page);
    return page;
  }

  /** Reads a page, and tells whether it is what it was when the whole batch was checked. */
  #read(number: number, target: Uint8Array): boolean {
    const { starts, checksums } = this.#table;
    const length = this.#segment.source().file.read(target, this.#position + starts[number]!);
    return length === target.length && crc32(target) === checksums[number];
  }
}

/** A page in memory, and behind it where each of its records starts. */
class Page extends CacheEntry {
  override readonly cost = PAGE_MEMORY_BYTES;
  readonly #memory: Uint8Array;
  readonly #length: number;
  readonly #onEvict: () => void;

  /** @throws {RangeError} when the page is malformed */
  constructor(memory: Uint8Array, length: number, onEvict: () => void) {
    super();
    this.#memory = memory;
    this.#length = length;
    this.#onEvict = onEvict;
    const reader = new ByteReader(memory, 0, length);
    for (let at = PAGE_BYTES; !reader.done; at += 2) {
      memory[at] = reader.position;
      memory[at + 1] = reader.position >>> 8;
      const length = seekField(reader, TAG_RECORD, TAG_PRODUCER);
      if (length !== undefined) reader.skip(length);
    }
  }

  /** Stands at the field that holds a record. */
  readerAt(record: number): ByteReader {
    const at = PAGE_BYTES + 2 * record;
    const start = this.#memory[at]! | (this.#memory[at + 1]! << 8);
    return new ByteReader(this.#memory, start, this.#length);
  }

  override evict(): void {
    this.#onEvict();
  }
}

/** Where the pages of a payload are. Each begins with a record, and has whole ones. */
interface PageTable {
  /** Where each page starts in the payload, and where the last one ends. */
  readonly starts: Uint32Array;
  /** The first record of each page, counted from the start of the batch. */
  readonly firsts: Uint32Array;
  readonly checksums: Uint32Array;
}

/**
 * Cuts a payload into pages of `PAGE_BYTES` at most, larger records apart.
 *
 * @throws {RangeError} when it does not hold as many records as it should
 */
function pageTable(batch: BatchView): PageTable {
  const payload = batch.payload();
  const passed = batch.header.hasProducer ? TAG_PRODUCER : undefined;
  const reader = new ByteReader(payload);
  const starts: number[] = [0];
  const firsts: number[] = [0];
  let record = 0;
  let end = 0;
  for (;; record++) {
    const length = seekField(reader, TAG_RECORD, passed);
    if (length === undefined) break;
    const start = end; // with the fields before it that are not known
    reader.skip(length);
    end = reader.position;
    const isFull = end - starts.at(-1)! > PAGE_BYTES || record - firsts.at(-1)! >= PAGE_RECORDS_MAX;
    if (!isFull || start === starts.at(-1)) continue;
    starts.push(start);
    firsts.push(record);
  }
  const { recordCount } = batch.header;
  if (record !== recordCount) throw new RangeError(`it holds ${record} of ${recordCount} records`);
  starts.push(end); // fields behind the last record, as of a producer, are on no page
  const checksums = firsts.map((_, i) => crc32(payload.subarray(starts[i], starts[i + 1])));
  return {
    starts: Uint32Array.from(starts),
    firsts: Uint32Array.from(firsts),
    checksums: Uint32Array.from(checksums),
  };
}
