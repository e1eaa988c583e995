/**
 * The codecs of a batch payload, by the runtime's own native code.
 *
 * @module
 */
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { SeglogError } from "../base/errors.ts";

/** How payloads are compressed. */
export type Codec = "none" | "gzip" | "zstd";

/** The codecs by their number on disk. */
export const CODECS: readonly Codec[] = ["none", "gzip", "zstd"];

/**
 * Compresses a payload.
 *
 * @returns the compressed bytes, or `undefined` when they would not be fewer
 */
export function compress(payload: Uint8Array, codec: Codec): Uint8Array | undefined {
  if (codec === "none") return undefined;
  const packed = codec === "gzip" ? gzipSync(payload) : zstdCompressSync(payload);
  return packed.length < payload.length ? packed : undefined;
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
  const unpack = codec === "gzip" ? gunzipSync : zstdDecompressSync;
  let payload: Uint8Array;
  try {
    payload = unpack(stored, { maxOutputLength: Math.max(1, uncompressedLength) });
  } catch (cause) {
    throw new SeglogError("corrupt", `Cannot unpack a ${codec} batch`, { cause });
  }
  if (payload.length !== uncompressedLength) {
    throw new SeglogError(
      "corrupt",
      `Cannot unpack a ${codec} batch: it has ${payload.length} bytes and promised ${uncompressedLength}`,
    );
  }
  return payload;
}
