/**
 * The bytes of many keys, in blocks that are never moved.
 *
 * @module
 */
import { KV_KEY_BYTES_MAX } from "./limits.ts";

/** What each key has before it: its length. */
const LENGTH_BYTES = 2;
const BLOCK_BITS = 20;
/** Bytes of a block. */
export const KEY_BLOCK_BYTES: number = 2 ** BLOCK_BITS;
/** A place is a number of 32 bits. */
const BLOCKS_MAX = 2 ** (32 - BLOCK_BITS);
/** Keys that are gone may take as much room as those that are there, and this much more. */
const WASTE_BYTES = KEY_BLOCK_BYTES;

/** All that keys are made of. */
export interface KeyBytesState {
  /** Of `KEY_BLOCK_BYTES` each. */
  readonly blocks: readonly Uint8Array[];
  /** Bytes of the last block that are in use. */
  readonly end: number;
  /** Bytes of keys that are there. */
  readonly used: number;
  /** Bytes of keys that are gone. */
  readonly wasted: number;
}

/** Keys by the place where they are. */
export class KeyBytes {
  #blocks: Uint8Array[] = [];
  /** Where the next key goes in the last block. */
  #end = KEY_BLOCK_BYTES;
  #used = 0;
  #wasted = 0;

  /** Bytes of memory. */
  get capacity(): number {
    return this.#blocks.length * KEY_BLOCK_BYTES;
  }

  /** Whether more room is lost to keys that are gone than is worth having. */
  get isWasteful(): boolean {
    return this.#wasted > this.#used + WASTE_BYTES;
  }

  /**
   * Copies a key.
   *
   * @returns its place
   * @throws {RangeError} when it is too long, or four gigabytes are full
   */
  add(key: Uint8Array): number {
    const { length } = key;
    if (length > KV_KEY_BYTES_MAX) throw new RangeError(`a key of ${length} bytes`);
    if (this.#end + LENGTH_BYTES + length > KEY_BLOCK_BYTES) {
      if (this.#blocks.length === BLOCKS_MAX) throw new RangeError("the keys take 4 GiB");
      this.#blocks.push(new Uint8Array(KEY_BLOCK_BYTES));
      this.#end = 0;
    }
    const start = this.#end;
    const block = this.#blocks.at(-1)!;
    block[start] = length;
    block[start + 1] = length >>> 8;
    block.set(key, start + LENGTH_BYTES);
    this.#end += LENGTH_BYTES + length;
    this.#used += LENGTH_BYTES + length;
    return (this.#blocks.length - 1) * KEY_BLOCK_BYTES + start;
  }

  /** Notes that the room of a key is lost. */
  remove(place: number): void {
    const bytes = LENGTH_BYTES + this.get(place).length;
    this.#used -= bytes;
    this.#wasted += bytes;
  }

  /** A key: a view. */
  get(place: number): Uint8Array {
    const block = this.#blocks[place >>> BLOCK_BITS]!;
    const start = place & (KEY_BLOCK_BYTES - 1);
    const from = start + LENGTH_BYTES;
    return block.subarray(from, from + lengthAt(block, start));
  }

  /** Whether the key at a place is this one. */
  equal(place: number, key: Uint8Array): boolean {
    const block = this.#blocks[place >>> BLOCK_BITS]!;
    const start = place & (KEY_BLOCK_BYTES - 1);
    if (lengthAt(block, start) !== key.length) return false;
    for (let i = 0; i < key.length; i++) {
      if (block[start + LENGTH_BYTES + i] !== key[i]) return false;
    }
    return true;
  }

  /** How many bytes the key at a place has. */
  lengthOf(place: number): number {
    return lengthAt(this.#blocks[place >>> BLOCK_BITS]!, place & (KEY_BLOCK_BYTES - 1));
  }

  /** Four bytes of a key from `from` on as a number, the first counting most, zeros behind the end. */
  wordOf(place: number, from: number): number {
    const block = this.#blocks[place >>> BLOCK_BITS]!;
    const start = place & (KEY_BLOCK_BYTES - 1);
    const left = lengthAt(block, start) - from;
    const at = start + LENGTH_BYTES + from;
    if (left >= 4) {
      return (block[at]! << 24 | block[at + 1]! << 16 | block[at + 2]! << 8 | block[at + 3]!) >>> 0;
    }
    let word = 0;
    for (let i = 0; i < left; i++) word |= block[at + i]! << (24 - 8 * i);
    return word >>> 0;
  }

  /** Less than 0 when the key at the first place comes before the other by its bytes. */
  compare(first: number, second: number): number {
    const a = this.#blocks[first >>> BLOCK_BITS]!;
    const b = this.#blocks[second >>> BLOCK_BITS]!;
    const aStart = first & (KEY_BLOCK_BYTES - 1);
    const bStart = second & (KEY_BLOCK_BYTES - 1);
    return compareRuns(
      a,
      aStart + LENGTH_BYTES,
      lengthAt(a, aStart),
      b,
      bStart + LENGTH_BYTES,
      lengthAt(b, bStart),
    );
  }

  /** The same with a key that need not be there. */
  compareTo(place: number, key: Uint8Array): number {
    const block = this.#blocks[place >>> BLOCK_BITS]!;
    const start = place & (KEY_BLOCK_BYTES - 1);
    return compareRuns(block, start + LENGTH_BYTES, lengthAt(block, start), key, 0, key.length);
  }

  /** What it is made of, for `restored`. */
  get state(): KeyBytesState {
    return { blocks: this.#blocks, end: this.#end, used: this.#used, wasted: this.#wasted };
  }

  /** Keys as they were. The blocks are its own from then on. */
  static restored({ blocks, end, used, wasted }: KeyBytesState): KeyBytes {
    const keys = new KeyBytes();
    keys.#blocks = [...blocks];
    keys.#end = end;
    keys.#used = used;
    keys.#wasted = wasted;
    return keys;
  }
}

/** Each as the array, where in it, and how many: a view for each would cost more than the rest. */
function compareRuns(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const shared = Math.min(aLength, bLength);
  for (let i = 0; i < shared; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

function lengthAt(block: Uint8Array, start: number): number {
  return block[start]! | (block[start + 1]! << 8);
}
