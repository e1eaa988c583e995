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
  WIRE_SALT,
} from "../format/batch_header.ts";
import type { SegmentName } from "../format/file_names.ts";
import { saltOfSegmentHeader, SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { BlockReader } from "./block_reader.ts";
import { indexPath } from "./index_file.ts";
import type { LogPlace } from "./segment_file.ts";
import { INDEX_HEADER_BYTES, saltInIndexFile } from "./sparse_index.ts";

/**
 * The salt of a segment, or `undefined` when no two things agree on it: what is left of the header,
 * the index, and the batches. One alone is not enough, for it may be what is damaged.
 */
export function findSalt(
  place: LogPlace,
  segment: SegmentName & { readonly file: DiskFile },
): number | undefined {
  const { file } = segment;
  const told = [saltInHeader(file), saltInIndex(place, segment)];
  const isRight = (salt: number | undefined) =>
    salt !== undefined &&
    new BlockReader({ file, salt }).seekBatch(SEGMENT_HEADER_BYTES, file.size()) !== undefined;
  return told.find(isRight) ?? saltInBatches(segment);
}

function saltInHeader(file: DiskFile): number | undefined {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  return file.read(bytes, 0) < bytes.length ? undefined : saltOfSegmentHeader(bytes);
}

function saltInIndex(place: LogPlace, segment: SegmentName): number | undefined {
  const { disk } = place;
  const path = indexPath(place, segment);
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
 * The checksum of a batch header can be run backwards to the salt that it began with; headers that
 * give the same salt are right, for a damaged one gives another. A value may hold batches of some
 * other segment, so the salt is that of most bytes, and never that of batches on the wire.
 */
function saltInBatches(
  { file, baseOffset }: { readonly file: DiskFile; readonly baseOffset: number },
): number | undefined {
  const found = new Map<number, { batches: number; bytes: number }>();
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
        const { batches, bytes } = found.get(salt) ?? { batches: 0, bytes: 0 };
        found.set(salt, { batches: batches + 1, bytes: bytes + length });
      }
    }
    position += length;
  }
  const agreed = [...found].filter(([salt, { batches }]) => salt !== WIRE_SALT && batches > 1);
  return agreed.toSorted(([, a], [, b]) => b.bytes - a.bytes)[0]?.[0];
}
