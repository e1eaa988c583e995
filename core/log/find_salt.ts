/**
 * Finds the salt of a segment whose own header is damaged: without it, no batch can be believed.
 *
 * @module
 */
import { equalBytes } from "../base/bytes.ts";
import { READ_BLOCK_BYTES } from "../base/limits.ts";
import type { DiskFile } from "../disk/disk.ts";
import {
  BATCH_ALIGNMENT,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  saltOfBatchHeader,
} from "../format/batch_header.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { BlockReader } from "./block_reader.ts";
import { indexPath } from "./index_file.ts";
import type { LogPlace } from "./segment_file.ts";
import { INDEX_HEADER_BYTES, saltInIndexFile } from "./sparse_index.ts";

/** The salt of a segment, or `undefined` when nothing tells it. */
export function findSalt(
  place: LogPlace,
  segment: { readonly file: DiskFile; readonly baseOffset: number },
): number | undefined {
  const { file, baseOffset } = segment;
  const salt = saltInIndex(place, baseOffset);
  const isRight = salt !== undefined &&
    new BlockReader({ file, salt }).seekBatch(SEGMENT_HEADER_BYTES, file.size()) !== undefined;
  return isRight ? salt : saltInBatches(segment);
}

function saltInIndex(place: LogPlace, baseOffset: number): number | undefined {
  const { disk } = place;
  const path = indexPath(place, baseOffset);
  if (disk.sizeOf(path) === undefined) return undefined;
  const file = disk.open(path, "read");
  try {
    const bytes = new Uint8Array(INDEX_HEADER_BYTES);
    return saltInIndexFile(bytes.subarray(0, file.read(bytes, 0)));
  } finally {
    file.close();
  }
}

/**
 * The checksum of a batch header can be run backwards to the salt that it began with, and the
 * checksum of the payload, which stands in that header, confirms that it is one. A value may hold
 * what looks like batches, so the salt is that of most bytes.
 */
function saltInBatches(
  { file, baseOffset }: { readonly file: DiskFile; readonly baseOffset: number },
): number | undefined {
  const bytesBySalt = new Map<number, number>();
  const size = file.size();
  const block = new Uint8Array(READ_BLOCK_BYTES);
  let blockStart = 0;
  let blockEnd = 0;
  let position = SEGMENT_HEADER_BYTES;
  while (position + BATCH_HEADER_BYTES <= size) {
    if (position + BATCH_HEADER_BYTES > blockEnd) {
      blockStart = position;
      blockEnd = position + file.read(block, position);
      if (position + BATCH_HEADER_BYTES > blockEnd) break;
    }
    const at = position - blockStart;
    let length = BATCH_ALIGNMENT;
    if (equalBytes(block.subarray(at, at + BATCH_MAGIC.length), BATCH_MAGIC)) {
      const salt = saltOfBatchHeader(block, at);
      const batch = new BlockReader({ file, salt }).batchAt(position, size);
      if (typeof batch !== "string" && batch.baseOffset >= baseOffset && batch.isIntact()) {
        length = batch.bytes.length;
        bytesBySalt.set(salt, (bytesBySalt.get(salt) ?? 0) + length);
      }
    }
    position += length;
  }
  return [...bytesBySalt].toSorted(([, a], [, b]) => b - a)[0]?.[0];
}
