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

/**
 * The seed with which `bytes` have this checksum: CRC-32 run backwards, byte by byte from the last
 * (Stigge, Plötz, Müller, Redlich: "Reversing CRC – Theory and Practice", 2006).
 */
export function crc32Seed(bytes: Uint8Array, crc: number): number {
  let state = ~crc;
  for (const byte of bytes.toReversed()) {
    // Going forward, the top byte of the new state comes from the table alone: it names the entry.
    const index = TABLE.findIndex((entry) => entry >>> 24 === state >>> 24);
    state = ((state ^ TABLE[index]!) << 8) | (index ^ byte);
  }
  return ~state >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let entry = index;
  for (let bit = 0; bit < 8; bit++) entry = (entry & 1) * 0xedb88320 ^ (entry >>> 1);
  return entry >>> 0;
});
