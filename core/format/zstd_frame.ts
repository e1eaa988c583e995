/**
 * The length of a zstd frame, by the lengths that it is made of (RFC 8878, section 3.1.1).
 *
 * Some libraries write an empty frame behind one that is not small. Some unpack whatever frames
 * there are, some only the first: what one of them takes, the others must be able to read.
 *
 * @module
 */
import { dataViewOf } from "../base/bytes.ts";

const MAGIC = 0xfd2fb528;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_REPEATED_BYTE = 1;

/** Bytes of the frame at the start of `bytes`, or `undefined` when there is none, or not all of it. */
export function frameLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < 5 || dataViewOf(bytes).getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = bytes[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag]!;
  const windowBytes = isSingleSegment ? 0 : 1;
  let at = 5 + windowBytes + DICTIONARY_ID_BYTES[descriptor & 3]! + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return undefined;
    const header = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
    isLast = (header & 1) !== 0;
    const isRepeated = (header >> 1 & 3) === BLOCK_REPEATED_BYTE;
    at += BLOCK_HEADER_BYTES + (isRepeated ? 1 : header >> 3);
  }
  at += (descriptor & 4) === 0 ? 0 : 4; // a checksum
  return at <= bytes.length ? at : undefined;
}
