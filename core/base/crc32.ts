/**
 * CRC-32 with the IEEE polynomial, as in gzip and PNG, computed by the runtime's own native code.
 *
 * @module
 */
import { crc32 as nativeCrc32 } from "node:zlib";

/**
 * The CRC-32 of `bytes`, going on from `seed`.
 *
 * @param bytes any length, zero included
 * @param seed an unsigned 32-bit integer: an earlier result to go on from, or a salt
 * @returns an unsigned 32-bit integer
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32(bytes, seed);
}
