/**
 * The codecs of a batch payload, by the runtime's own native code.
 *
 * @module
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { dataViewOf } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import { COMPRESSED_BYTES_MIN } from "../base/limits.ts";
import { frameLength } from "./zstd_frame.ts";

/** How payloads are compressed. */
export type Codec = "none" | "gzip" | "zstd";

/** The codecs by their number on disk. */
export const CODECS: readonly Codec[] = ["none", "gzip", "zstd"];

/** Faster than the runtimes' own 3, and on lines of JSON no less dense: `deno task bench W7`. */
const ZSTD_OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * Compresses a payload that is worth it.
 *
 * @returns the compressed bytes, or `undefined` for a small payload, and where less than an eighth
 * would be saved: every reader would have to unpack it
 */
export function compress(payload: Uint8Array, codec: Codec): Uint8Array | undefined {
  if (codec === "none" || payload.length < COMPRESSED_BYTES_MIN) return undefined;
  const packed = codec === "gzip"
    ? gzipSync(payload)
    : oneFrame(zstdCompressSync(payload, ZSTD_OPTIONS));
  return packed.length <= payload.length - payload.length / 8 ? packed : undefined;
}

/**
 * Restores a payload, never allocating more than was promised for it.
 *
 * @param uncompressedLength exact bytes of the result; the caller has checked it against its limit
 * @throws {SeglogError} `corrupt` when the bytes do not unpack to exactly that length
 */
export function decompress(
  stored: Uint8Array,
  codec: Codec,
  uncompressedLength: number,
): Uint8Array {
  if (codec === "none") return stored;
  const length = codec === "gzip" ? stored.length : frameLength(stored);
  if (length === undefined) {
    throw new SeglogError("corrupt", "Cannot unpack a zstd batch: its frame is cut off");
  }
  const unpack = codec === "gzip" ? gunzipSync : zstdDecompressSync;
  let payload: Uint8Array;
  try {
    payload = unpack(stored.subarray(0, length), {
      maxOutputLength: Math.max(1, uncompressedLength),
    });
  } catch (cause) {
    throw new SeglogError("corrupt", `Cannot unpack a ${codec} batch`, { cause });
  }
  if (payload.length !== uncompressedLength) {
    throw new SeglogError(
      "corrupt",
      `Cannot unpack a ${codec} batch: it has ${payload.length} bytes and promised ${uncompressedLength}`,
    );
  }
  if (codec === "gzip" && lastMemberLength(stored) !== payload.length) {
    throw new SeglogError("corrupt", "Cannot unpack a gzip batch: it has more than one member");
  }
  return payload;
}

function oneFrame(packed: Uint8Array): Uint8Array {
  return packed.subarray(0, frameLength(packed));
}

/** Bytes that the last gzip member unpacks to: it ends with that number (RFC 1952). */
function lastMemberLength(stored: Uint8Array): number {
  return dataViewOf(stored).getUint32(stored.length - 4, true);
}
