/**
 * Writes records that stay into new segments, which take the place of others.
 *
 * Together the new batches cover all offsets of the old segments, so that whoever walks through them
 * finds each batch where the one before ends, as everywhere. Batches are small: a single record is read
 * with its batch. Files get their names when all are whole and synced.
 *
 * @module
 */
import { ByteWriter } from "../base/bytes.ts";
import { BATCH_STORED_BYTES_MAX, COMPACTED_BATCH_BYTES } from "../base/limits.ts";
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
/** Segments that are full and not synced yet, at most: the next one gets larger then. */
const FULL_MAX = 4;

/** What the new segments have in common. */
export interface RewriteOptions {
  /** Offset at which the first begins. */
  readonly baseOffset: number;
  readonly generation: number;
  readonly segmentBytes: number;
  readonly codec: Codec;
  readonly nowMs: number;
  /** Throws when the log is not ours any more: asked before each file is made or named. */
  readonly checkOwned: () => void;
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
  /** Synced, and not named yet. */
  readonly #done: RewrittenSegment[] = [];
  /** Full, and not synced yet. */
  readonly #full: Output[] = [];
  #output: Output | undefined;
  /** Where the next batch begins: the end of the one before. */
  #nextOffset: number;

  constructor(place: LogPlace, options: RewriteOptions) {
    this.#place = place;
    this.#options = options;
    this.#nextOffset = options.baseOffset;
  }

  /** Bytes written so far. */
  get bytes(): number {
    const written = [...this.#full, ...this.#output === undefined ? [] : [this.#output]];
    return this.#done.reduce((sum, { entry }) => sum + entry.bytes, 0) +
      written.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Syncs the segments that are full. */
  async drain(): Promise<void> {
    for (let output = this.#full[0]; output !== undefined; output = this.#full[0]) {
      this.#done.push(await output.end());
      this.#full.shift();
    }
  }

  /**
   * Takes a record in; {@linkcode SegmentRewriter.drain} now and then.
   *
   * @param message the record as it is stored
   * @param epoch of the batch that it is from; it never falls
   */
  add(record: LogRecord, message: Uint8Array, epoch: number): void {
    let output = this.#output;
    if (output?.isBatchFull) {
      this.#nextOffset = record.offset;
      output.endBatch(record.offset);
      if (output.bytes >= this.#options.segmentBytes && this.#full.length < FULL_MAX) {
        output.write();
        this.#full.push(output);
        output = undefined;
      }
    }
    output ??= this.#output = new Output(this.#place, this.#options, this.#nextOffset);
    output.add(record, message, epoch);
  }

  /**
   * Ends the last segment.
   *
   * @param nextOffset offset at which it ends
   * @returns all new segments, under their names; none when no record stays
   */
  async finish(nextOffset: number): Promise<readonly RewrittenSegment[]> {
    if (this.#output !== undefined) {
      this.#output.endBatch(nextOffset);
      this.#full.push(this.#output);
      this.#output = undefined;
    }
    await this.drain();
    const { disk, folder } = this.#place;
    for (const { entry } of this.#done) {
      this.#options.checkOwned();
      const path = segmentPath(this.#place, entry);
      disk.rename(`${path}.tmp`, path);
    }
    if (this.#done.length > 0) await disk.syncFolder(folder);
    return this.#done;
  }

  /**
   * Gives up what was written, which no manifest lists.
   *
   * @param isOwned whether the log is still ours; else the files may be those of another owner
   */
  discard(isOwned: boolean): void {
    for (const output of this.#full) output.close();
    this.#output?.close();
    if (!isOwned) return;
    const { disk } = this.#place;
    const written = [...this.#full, ...this.#output === undefined ? [] : [this.#output]];
    const paths = [
      ...written.map(({ path }) => path),
      ...this.#done.map(({ entry }) => segmentPath(this.#place, entry)),
    ];
    for (const path of paths) {
      removeIfThere(disk, `${path}.tmp`);
      removeIfThere(disk, path);
    }
  }
}

/** One segment that is being written. */
class Output {
  readonly path: string;
  readonly #options: RewriteOptions;
  readonly #file: DiskFile;
  readonly #salt = newSalt();
  readonly #baseOffset: number;
  readonly #index: SparseIndex;
  readonly #filter = new KeyFilterBuilder();
  /** What is complete and not written yet, and then the batch that is built. */
  readonly #buffer = new ByteWriter(WRITE_BYTES + 2 * COMPACTED_BATCH_BYTES);
  /** Where the buffer goes in the file. */
  #position = 0;
  #builder: BatchBuilder | undefined;
  #nextOffset: number;
  #records = 0;
  #epoch = 0;
  #isOpen = true;

  constructor(place: LogPlace, options: RewriteOptions, baseOffset: number) {
    this.#options = options;
    this.#baseOffset = baseOffset;
    this.#nextOffset = baseOffset;
    this.#index = new SparseIndex(baseOffset);
    this.path = segmentPath(place, { baseOffset, generation: options.generation });
    const temporary = `${this.path}.tmp`;
    options.checkOwned();
    removeIfThere(place.disk, temporary);
    this.#file = place.disk.create(temporary);
    const { logId } = place;
    const header = { salt: this.#salt, baseOffset, logId, createdMs: options.nowMs };
    this.#buffer.bytes(encodeSegmentHeader(header));
  }

  /** Bytes of the segment so far. */
  get bytes(): number {
    return this.#position + this.#buffer.length;
  }

  get isBatchFull(): boolean {
    return this.#builder !== undefined && this.#builder.payloadBytes >= COMPACTED_BATCH_BYTES;
  }

  add(record: LogRecord, message: Uint8Array, epoch: number): void {
    this.#builder ??= new BatchBuilder(this.#buffer, this.#nextOffset);
    this.#builder.copy(record, message);
    this.#epoch = epoch;
    this.#records++;
    if (record.key !== null) this.#filter.add(record.key);
  }

  /** Ends the batch that is built, which then covers all offsets below `nextOffset`. */
  endBatch(nextOffset: number): void {
    const builder = this.#builder!;
    builder.extendTo(nextOffset);
    // A single record that was compressed before may be too large for a batch that is not.
    const isHuge = builder.payloadBytes > BATCH_STORED_BYTES_MAX;
    const { start, header } = builder.finish(isHuge ? "zstd" : this.#options.codec);
    const placed = { ...header, epoch: this.#epoch, durableUpTo: SEGMENT_HEADER_BYTES };
    const bytes = this.#buffer.subarray(0, this.#buffer.length);
    encodeBatchHeader(bytes, start, placed, this.#salt);
    this.#index.add(placed, this.#position + start);
    this.#builder = undefined;
    this.#nextOffset = nextOffset;
    if (this.#buffer.length >= WRITE_BYTES) this.write();
  }

  /** Syncs the file, and closes it. */
  async end(): Promise<RewrittenSegment> {
    this.write();
    await this.#file.sync();
    this.close();
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

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
  }

  /** Writes what is complete. */
  write(): void {
    this.#file.write(this.#buffer.subarray(0, this.#buffer.length), this.#position);
    this.#position += this.#buffer.length;
    this.#buffer.truncate(0);
  }
}
