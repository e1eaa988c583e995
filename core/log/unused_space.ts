/**
 * Space that the active segment has taken on disk for what will be written next. A sync of bytes
 * within the file takes about half as long as one that has to make the file longer.
 *
 * It is filled with a word of its own, not with zeros: those are what a crash or a failing disk
 * leaves of records, and are reported.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { encodeUtf8 } from "../base/bytes.ts";
import type { DiskFile } from "../disk/disk.ts";
import { alignBatch } from "../format/batch_header.ts";

/** Stands in unused space at each multiple of its length, which is that of batches. */
const UNUSED: Uint8Array = encodeUtf8("(unused)");
const BLOCK_BYTES = 64 * 1024;

/** Unused space of `length` bytes, for a position where a batch may start. */
export function unusedSpace(length: number): Uint8Array {
  return Buffer.alloc(length, UNUSED);
}

/** Whether bytes that stand at `position` are all unused. */
export function isUnused(bytes: Uint8Array, position: number): boolean {
  return bytes.every((byte, i) => byte === unusedByte(position + i));
}

/**
 * Where the unused space at the end of a file begins.
 *
 * @param range to look into: not before `from`, and the file's `size`
 */
export function endOfContent(
  file: Pick<DiskFile, "read">,
  { from, size }: { readonly from: number; readonly size: number },
): number {
  const block = new Uint8Array(Math.min(BLOCK_BYTES, Math.max(0, size - from)));
  let end = size;
  while (end > from) {
    const start = Math.max(from, end - block.length);
    const bytes = block.subarray(0, file.read(block.subarray(0, end - start), start));
    const last = bytes.findLastIndex((byte, i) => byte !== unusedByte(start + i));
    if (last >= 0) return Math.min(size, alignBatch(start + last + 1));
    end = start;
  }
  return from;
}

function unusedByte(position: number): number {
  return UNUSED[position % UNUSED.length]!;
}
