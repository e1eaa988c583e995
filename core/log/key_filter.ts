/**
 * Tells of a sealed segment which keys are surely not in it.
 *
 * A blocked Bloom filter (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970;
 * Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007): all bits of a key
 * are in one block, which has a checksum of its own. So a lookup reads the header and one block,
 * however many keys there are, and nothing need be in memory. On any doubt the answer is that the key
 * may be there.
 *
 * @module
 */
import { dataViewOf, equalBytes, getUint64, setUint64 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { SEGMENT_BYTES_MAX } from "../base/limits.ts";
import { mix32 } from "../base/mix.ts";
import type { IndexBinding } from "./sparse_index.ts";

const MAGIC = Uint8Array.of(0x89, 0x53, 0x45, 0x47, 0x42, 0x4c, 0x4d, 0x01); // \x89 S E G B L M, 1
const HEADER_BYTES = 40;
const AT = { salt: 8, blocks: 12, baseOffset: 16, segmentBytes: 24, keys: 32, crc: 36 } as const;
const BLOCK_BYTES = 64;
const CRC_AT = BLOCK_BYTES - 4;
const BLOCK_BITS = 8 * CRC_AT;
/** With six bits for each of 44 keys, 0.7 % of other keys are taken to be there. */
const KEYS_PER_BLOCK = 44;
const BITS_PER_KEY = 6;
/** No record is smaller than this, so no segment has more keys. */
const RECORD_BYTES_MIN = 4;
const BLOCKS_MAX = Math.ceil(2 * SEGMENT_BYTES_MAX / RECORD_BYTES_MIN / KEYS_PER_BLOCK);

/** What a filter needs of its file. */
export interface FilterFile {
  read(target: Uint8Array, position: number): number;
}

/** Takes in the keys of a segment, and makes the filter of them. */
export class KeyFilterBuilder {
  #hashes = new Uint32Array(1024);
  #count = 0;

  /** Takes in a key; one that comes again costs nothing in the end. */
  add(key: Uint8Array): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Uint32Array(2 * this.#count);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#count++] = crc32(key);
  }

  /** The filter as a file. */
  encode(binding: IndexBinding): Uint8Array {
    const hashes = distinct(this.#hashes.subarray(0, this.#count));
    const blocks = Math.max(1, Math.ceil(hashes.length / KEYS_PER_BLOCK));
    const bytes = new Uint8Array(HEADER_BYTES + blocks * BLOCK_BYTES);
    const view = dataViewOf(bytes);
    bytes.set(MAGIC);
    view.setUint32(AT.salt, binding.salt, true);
    view.setUint32(AT.blocks, blocks, true);
    setUint64(view, AT.baseOffset, binding.baseOffset);
    setUint64(view, AT.segmentBytes, binding.segmentBytes);
    view.setUint32(AT.keys, hashes.length, true);
    view.setUint32(AT.crc, crc32(bytes.subarray(0, AT.crc)), true);
    for (const hash of hashes) {
      const start = HEADER_BYTES + blockOf(hash, blocks) * BLOCK_BYTES;
      eachBit(hash, (bit) => {
        bytes[start + (bit >>> 3)]! |= 1 << (bit & 7);
        return true;
      });
    }
    for (let block = 0; block < blocks; block++) {
      const start = HEADER_BYTES + block * BLOCK_BYTES;
      const crc = crc32(bytes.subarray(start, start + CRC_AT), blockSeed(binding.salt, block));
      view.setUint32(start + CRC_AT, crc, true);
    }
    return bytes;
  }
}

/** A filter in its file. */
export class KeyFilter {
  /** Different keys in the segment, as good as certainly. */
  readonly keys: number;
  readonly #file: FilterFile;
  readonly #salt: number;
  readonly #blocks: number;
  readonly #block = new Uint8Array(BLOCK_BYTES);

  private constructor(file: FilterFile, header: { salt: number; blocks: number; keys: number }) {
    this.#file = file;
    this.#salt = header.salt;
    this.#blocks = header.blocks;
    this.keys = header.keys;
  }

  /** The filter in a file, or `undefined` unless it belongs to that very segment. */
  static open(file: FilterFile, binding: IndexBinding): KeyFilter | undefined {
    const bytes = new Uint8Array(HEADER_BYTES);
    if (file.read(bytes, 0) < HEADER_BYTES) return undefined;
    const view = dataViewOf(bytes);
    if (view.getUint32(AT.crc, true) !== crc32(bytes.subarray(0, AT.crc))) return undefined;
    const isBound = equalBytes(bytes.subarray(0, MAGIC.length), MAGIC) &&
      view.getUint32(AT.salt, true) === binding.salt &&
      getUint64(view, AT.baseOffset) === binding.baseOffset &&
      getUint64(view, AT.segmentBytes) === binding.segmentBytes;
    const blocks = view.getUint32(AT.blocks, true);
    if (!isBound || blocks === 0 || blocks > BLOCKS_MAX) return undefined;
    return new KeyFilter(file, { salt: binding.salt, blocks, keys: view.getUint32(AT.keys, true) });
  }

  /** The same filter in memory, to be asked for many keys. */
  loaded(): KeyFilter {
    const bytes = new Uint8Array(HEADER_BYTES + this.#blocks * BLOCK_BYTES);
    const content = bytes.subarray(0, this.#file.read(bytes, 0));
    const file: FilterFile = {
      read(target, position) {
        const part = content.subarray(position, position + target.length);
        target.set(part);
        return part.length;
      },
    };
    return new KeyFilter(file, { salt: this.#salt, blocks: this.#blocks, keys: this.keys });
  }

  /** Whether a key may be in the segment: `false` is certain, `true` wrong for one key in a hundred. */
  mayHold(key: Uint8Array): boolean {
    const hash = crc32(key);
    const number = blockOf(hash, this.#blocks);
    const block = this.#block;
    if (this.#file.read(block, HEADER_BYTES + number * BLOCK_BYTES) < BLOCK_BYTES) return true;
    const crc = crc32(block.subarray(0, CRC_AT), blockSeed(this.#salt, number));
    if (dataViewOf(block).getUint32(CRC_AT, true) !== crc) return true;
    return eachBit(hash, (bit) => (block[bit >>> 3]! & (1 << (bit & 7))) !== 0);
  }
}

/** So that no block is taken for another, nor for one of another segment. */
function blockSeed(salt: number, block: number): number {
  return (salt + block) >>> 0;
}

function blockOf(hash: number, blocks: number): number {
  return Math.floor(mix32(hash) * blocks / 2 ** 32);
}

/** Goes through the bits of a key within its block while `visit` holds; whether it held for all. */
function eachBit(hash: number, visit: (bit: number) => boolean): boolean {
  let at = mix32(hash ^ 0x9e3779b9);
  const step = mix32(at) | 1;
  for (let i = 0; i < BITS_PER_KEY; i++) {
    if (!visit(Math.floor((at >>> 0) * BLOCK_BITS / 2 ** 32))) return false;
    at = (at + step) | 0;
  }
  return true;
}

function distinct(hashes: Uint32Array): Uint32Array {
  const sorted = hashes.toSorted();
  let count = 0;
  for (let i = 0; i < sorted.length; i++) {
    if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
  }
  return sorted.subarray(0, count);
}
