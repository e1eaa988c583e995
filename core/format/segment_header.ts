/**
 * The first 64 bytes of a segment file.
 *
 * @module
 */
import { dataViewOf, equalBytes, getUint64, setUint64 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { checkFormatVersion, FORMAT_VERSION } from "../base/format_version.ts";
import { TIMESTAMP_MS_MAX } from "../base/limits.ts";

/** Bytes of a segment header; the first batch starts here. */
export const SEGMENT_HEADER_BYTES = 64;
/** First eight bytes of a segment, after PNG's: not text, and damaged by newline conversion. */
export const SEGMENT_MAGIC: Uint8Array = Uint8Array.of(
  0x89,
  0x53,
  0x45,
  0x47,
  0x4c,
  0x4f,
  0x47,
  0x0a, // \x89 S E G L O G \n
);

const AT = { version: 8, salt: 12, baseOffset: 16, logId: 24, createdMs: 40, crc: 60 } as const;

/** What a segment says of itself. */
export interface SegmentHeader {
  /** Random 32 bits that seed the checksum of every batch header in this file. */
  readonly salt: number;
  /** Offset of the first record that the segment could hold. */
  readonly baseOffset: number;
  /** The log that the segment belongs to: 32 hexadecimal digits. */
  readonly logId: string;
  /** When it was created, in milliseconds since 1970. */
  readonly createdMs: number;
}

/** The 64 bytes for `header`. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = dataViewOf(bytes);
  bytes.set(SEGMENT_MAGIC);
  view.setUint32(AT.version, FORMAT_VERSION, true);
  view.setUint32(AT.salt, header.salt, true);
  setUint64(view, AT.baseOffset, header.baseOffset);
  bytes.set(bytesOfHex(header.logId), AT.logId);
  setUint64(view, AT.createdMs, header.createdMs);
  view.setUint32(AT.crc, crc32(bytes.subarray(0, AT.crc)), true);
  return bytes;
}

/**
 * Reads a segment header.
 *
 * @param bytes the start of the file, as much of it as there is
 * @returns the header, or in words why there is none
 * @throws {SeglogError} `unsupported` when a later version of seglog wrote it
 */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | string {
  if (bytes.length < SEGMENT_HEADER_BYTES) return "segment header is cut off";
  if (!equalBytes(bytes.subarray(0, SEGMENT_MAGIC.length), SEGMENT_MAGIC)) {
    return "segment magic is missing";
  }
  const view = dataViewOf(bytes);
  if (view.getUint32(AT.crc, true) !== crc32(bytes.subarray(0, AT.crc))) {
    return "segment header checksum does not match";
  }
  checkFormatVersion(view.getUint32(AT.version, true), "a segment");
  const baseOffset = getUint64(view, AT.baseOffset);
  const createdMs = getUint64(view, AT.createdMs);
  if (!Number.isSafeInteger(baseOffset)) return "segment base offset is too large";
  if (createdMs > TIMESTAMP_MS_MAX) return "segment creation time is too large";
  return {
    salt: view.getUint32(AT.salt, true),
    baseOffset,
    logId: hexOf(bytes.subarray(AT.logId, AT.createdMs)),
    createdMs,
  };
}

/** The salt that stands in a header, damaged or not: a hint, to be confirmed by a batch. */
export function saltOfSegmentHeader(bytes: Uint8Array): number {
  return dataViewOf(bytes).getUint32(AT.salt, true);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(
    { length: hex.length / 2 },
    (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}
