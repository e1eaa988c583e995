/**
 * Writes records that stay into new segments, which take the place of others.
 *
 * Together the new batches cover all offsets of the old segments, so that whoever walks through them
 * finds each batch where the one before ends, as everywhere. Batches are small: a single record is read
 * with its batch. A file gets its name when it is whole and synced.
 *
 * @module
 */
import { ByteWriter } from "../base/bytes.ts";
import { COMPACTED_BATCH_BYTES } from "../base/limits.ts";
import type { DiskFile } from "../disk/disk.ts";
import { removeIfThere } from "../disk/files.ts";
import { encodeBatchHeader } from "../format/batch_header.ts";
import { BatchBuilder } from "../format/batch_builder.ts";
import type { Codec } from "../format/compression.ts";
import type { LogRecord } from "../format/record.ts";
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { KeyFilterBuilder } from "./key_filter.ts";
import type { SealedEntry } from "./manifest.ts";
import { type LogPlace, newSalt, segmentPath } from "./segment_file.ts";
import { SparseIndex } from "./sparse_index.ts";

/** Bytes that are written at once. */
const WRITE_BYTES = 1024 * 1024;

/** What the new segments have in common. */
export interface RewriteOptions {
  /** Offset at which the first begins. */
  readonly baseOffset: number;
  readonly generation: number;
  readonly segmentBytes: number;
  readonly codec: Codec;
  readonly nowMs: number;
}

/** A segment that was written and synced, with what helps to read it. */
export interface RewrittenSegment {
  readonly entry: SealedEntry;
  readonly salt: number;
  readonly index: SparseIndex;
  readonly filter: KeyFilterBuilder;
}

/** Takes records in rising order. */
export class SegmentRewriter {
  readonly #place: LogPlace;
  readonly #options: RewriteOptions;
  readonly #done: RewrittenSegment[] = [];
  /** Full, and not synced yet. */
  readonly #full: Output[] = [];
  #output: Output | undefined;
  /** Where the next batch begins: the end of the one before. */
  #nextOffset: number;
  #epoch = 0;

  constructor(place: LogPlace, options: RewriteOptions) {
    this.#place = place;
    this.#options = options;
    this.#nextOffset = options.baseOffset;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#done.reduce((sum, { entry }) => sum + entry.bytes, this.#output?.bytes ?? 0);
  }

  /** Syncs the segments that are full, and gives them their names. */
  async drain(): Promise<void> {
    for (let output = this.#full[0]; output !== undefined; output = this.#full[0]) {
      this.#done.push(await output.end());
      this.#full.shift();
    }
  }

  /**
   * Takes a record in; {@linkcode SegmentRewriter.drain} now and then.
   *
   * @param epoch of the batch that the record is from; it never falls
   */
  add(record: LogRecord, epoch: number): void {
    this.#epoch = epoch;
    let output = this.#output;
    if (output?.isBatchFull) {
      this.#nextOffset = record.offset;
      output.endBatch(record.offset, epoch);
      if (output.bytes >= this.#options.segmentBytes) {
        this.#full.push(output);
        output = undefined;
      }
    }
    output ??= this.#output = new Output(this.#place, this.#options, this.#nextOffset);
    output.add(record);
  }

  /**
   * Ends the last segment.
   *
   * @param nextOffset offset at which it ends
   * @returns all new segments, under their names; none when no record stays
   */
  async finish(nextOffset: number): Promise<readonly RewrittenSegment[]> {
    if (this.#output !== undefined) {
      this.#output.endBatch(nextOffset, this.#epoch);
      this.#full.push(this.#output);
      this.#output = undefined;
    }
    await this.drain();
    const { disk, folder } = this.#place;
    if (this.#done.length > 0) await disk.syncFolder(folder);
    return this.#done;
  }

  /** Removes what was written. */
  discard(): void {
    for (const output of this.#full) output.discard();
    this.#output?.discard();
    const { disk } = this.#place;
    for (const { entry } of this.#done) removeIfThere(disk, segmentPath(this.#place, entry));
  }
}

/** One segment that is being written. */
class Output {
  readonly #place: LogPlace;
  readonly #options: RewriteOptions;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #salt = newSalt();
  readonly #baseOffset: number;
  readonly #index: SparseIndex;
  readonly #filter = new KeyFilterBuilder();
  /** Batches that are complete and not written yet, and then the one that is built. */
  readonly #buffer = new ByteWriter(WRITE_BYTES + 2 * COMPACTED_BATCH_BYTES);
  /** Where the buffer goes in the file. */
  #position = SEGMENT_HEADER_BYTES;
  #builder: BatchBuilder | undefined;
  #nextOffset: number;
  #records = 0;
  #isOpen = true;

  constructor(place: LogPlace, options: RewriteOptions, baseOffset: number) {
    this.#place = place;
    this.#options = options;
    this.#baseOffset = baseOffset;
    this.#nextOffset = baseOffset;
    this.#index = new SparseIndex(baseOffset);
    this.#path = segmentPath(place, { baseOffset, generation: options.generation });
    const temporary = `${this.#path}.tmp`;
    removeIfThere(place.disk, temporary);
    this.#file = place.disk.create(temporary);
    const { logId } = place;
    const header = { salt: this.#salt, baseOffset, logId, createdMs: options.nowMs };
    this.#file.write(encodeSegmentHeader(header), 0);
  }

  /** Bytes of the segment so far. */
  get bytes(): number {
    return this.#position + this.#buffer.length;
  }

  get isBatchFull(): boolean {
    return this.#builder !== undefined && this.#builder.payloadBytes >= COMPACTED_BATCH_BYTES;
  }

  add(record: LogRecord): void {
    this.#builder ??= new BatchBuilder(this.#buffer, this.#nextOffset);
    this.#builder.addAt(record);
    this.#records++;
    if (record.key !== null) this.#filter.add(record.key);
  }

  /** Ends the batch that is built, which then covers all offsets below `nextOffset`. */
  endBatch(nextOffset: number, epoch: number): void {
    const builder = this.#builder!;
    builder.extendTo(nextOffset);
    const { start, header } = builder.finish(this.#options.codec);
    const placed = { ...header, epoch, durableUpTo: SEGMENT_HEADER_BYTES };
    const bytes = this.#buffer.subarray(0, this.#buffer.length);
    encodeBatchHeader(bytes, start, placed, this.#salt);
    this.#index.add(placed, this.#position + start);
    this.#builder = undefined;
    this.#nextOffset = nextOffset;
    if (this.#buffer.length >= WRITE_BYTES) this.#write();
  }

  /** Syncs the file and gives it its name; the caller syncs the folder. */
  async end(): Promise<RewrittenSegment> {
    this.#write();
    await this.#file.sync();
    this.#close();
    this.#place.disk.rename(`${this.#path}.tmp`, this.#path);
    const entry = {
      baseOffset: this.#baseOffset,
      generation: this.#options.generation,
      nextOffset: this.#nextOffset,
      records: this.#records,
      bytes: this.#position,
      maxTimestampMs: this.#index.maxTimestampMs,
    };
    return { entry, salt: this.#salt, index: this.#index, filter: this.#filter };
  }

  discard(): void {
    this.#close();
    removeIfThere(this.#place.disk, `${this.#path}.tmp`);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
  }

  #write(): void {
    this.#file.write(this.#buffer.subarray(0, this.#buffer.length), this.#position);
    this.#position += this.#buffer.length;
    this.#buffer.truncate(0);
  }
}
