/**
 * Reads batches of a segment through blocks of its file, each a fresh array: what was handed out
 * stays valid.
 *
 * @module
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import { READ_BLOCK_BYTES, READ_BLOCK_BYTES_FIRST } from "../base/limits.ts";
import type { DiskFile } from "../disk/disk.ts";
import { BatchView, decodeBatch } from "../format/batch.ts";
import {
  alignBatch,
  BATCH_ALIGNMENT,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  type BatchHeader,
  batchLength,
  decodeBatchHeader,
} from "../format/batch_header.ts";

/** A segment's bytes, and the salt that makes its batches believable. */
export interface BatchSource {
  readonly file: Pick<DiskFile, "read">;
  readonly salt: number;
}

/** Reads batches by position, best in rising order. */
export class BlockReader {
  readonly #source: BatchSource;
  /** Bytes of the next block: a reader that goes on is likely to go on. */
  #blockBytes: number;
  #block = EMPTY_BYTES;
  #blockStart = 0;

  /** @param blockBytes read at first: more for a scan, less for one record */
  constructor(source: BatchSource, blockBytes: number = READ_BLOCK_BYTES_FIRST) {
    this.#source = source;
    this.#blockBytes = blockBytes;
  }

  /**
   * The batch that starts at `position`.
   *
   * @param end bytes of the segment that may be read
   * @returns the batch, its payload not yet checked, or in words why there is none
   */
  batchAt(position: number, end: number): BatchView | string {
    const ahead = Math.min(this.#blockBytes, end - position);
    if (!this.#holds(position, Math.min(BATCH_HEADER_BYTES, ahead))) this.#load(position, ahead);
    const at = position - this.#blockStart;
    const header = decodeBatchHeader(this.#block, at, this.#source.salt);
    if (typeof header === "string") return header;
    const length = batchLength(header);
    if (length > end - position) return "payload is cut off";
    if (this.#holds(position, length)) {
      return new BatchView(header, this.#block.subarray(at, at + length));
    }
    this.#load(position, Math.max(length, ahead));
    return decodeBatch(this.#block, 0, this.#source.salt); // what was read anew is checked anew
  }

  /**
   * The first batch that starts in `[position, end)`: for going on after damage. The
   * salt keeps what only looks like a batch, inside a value or from another file, from being found.
   */
  seekBatch(
    position: number,
    end: number,
  ): { position: number; header: BatchHeader } | undefined {
    for (let at = alignBatch(position); at + BATCH_HEADER_BYTES <= end; at += BATCH_ALIGNMENT) {
      if (!this.#holds(at, BATCH_HEADER_BYTES)) {
        this.#load(at, Math.min(this.#blockBytes, end - at));
        if (!this.#holds(at, BATCH_HEADER_BYTES)) return undefined;
      }
      if (this.#block[at - this.#blockStart] !== BATCH_MAGIC[0]) continue; // most places, and fast
      const header = decodeBatchHeader(this.#block, at - this.#blockStart, this.#source.salt);
      if (typeof header !== "string") return { position: at, header };
    }
    return undefined;
  }

  #holds(position: number, length: number): boolean {
    return position >= this.#blockStart &&
      position + length <= this.#blockStart + this.#block.length;
  }

  #load(position: number, length: number): void {
    const block = new Uint8Array(length);
    this.#block = block.subarray(0, this.#source.file.read(block, position));
    this.#blockStart = position;
    this.#blockBytes = Math.min(2 * this.#blockBytes, READ_BLOCK_BYTES);
  }
}
