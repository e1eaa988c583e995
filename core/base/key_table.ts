/**
 * Keys by number: a hash table whose keys lie in large blocks of bytes, not in objects. Five million
 * of them are a few arrays to the collector of garbage, and to a snapshot that is written.
 *
 * Open addressing with linear probing, and deletion by moving back what was displaced (Knuth, "The
 * Art of Computer Programming", vol. 3, 6.4, algorithm R).
 *
 * @module
 */
import { KeyBytes, type KeyBytesState } from "./key_bytes.ts";
import { KeyHash } from "./key_hash.ts";

const SLOTS_MIN = 16;
const EMPTY = 0;

/** All that a table is made of. */
export interface KeyTableState {
  readonly seed: number;
  readonly slots: Uint32Array<ArrayBuffer>;
  /** By number of key, those that are free included. */
  readonly hashes: Uint32Array<ArrayBuffer>;
  /** Likewise. */
  readonly places: Uint32Array<ArrayBuffer>;
  readonly free: Uint32Array;
  readonly keys: KeyBytesState;
}

/** Numbers keys from 0; the numbers of keys that were removed are used again. */
export class KeyTable {
  #keys = new KeyBytes();
  /** So that nobody can choose keys that collide. */
  readonly #hash: KeyHash;
  /** One more than the number of a key, or `EMPTY`. */
  #slots = new Uint32Array(SLOTS_MIN);
  #hashes = new Uint32Array(SLOTS_MIN);
  /** Where the bytes of each key are. */
  #places = new Uint32Array(SLOTS_MIN);
  /** Numbers that are free below `#end`. */
  #free: number[] = [];
  #end = 0;

  constructor(seed = Math.floor(Math.random() * 2 ** 32)) {
    this.#hash = new KeyHash(seed);
  }

  /** Keys that are there. */
  get count(): number {
    return this.#end - this.#free.length;
  }

  /** Above the numbers of all keys. */
  get end(): number {
    return this.#end;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#keys.capacity + this.#slots.byteLength + this.#hashes.byteLength +
      this.#places.byteLength;
  }

  /** The number of a key, or -1. */
  find(key: Uint8Array): number {
    const hash = this.#hash.of(key);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const slot = slots[at]!;
      if (slot === EMPTY) return -1;
      if (this.#hashes[slot - 1] === hash && this.#keys.equal(this.#places[slot - 1]!, key)) {
        return slot - 1;
      }
    }
  }

  /** Takes in a key that is not there, and numbers it. */
  add(key: Uint8Array): number {
    if (2 * this.count >= this.#slots.length) this.#grow();
    const number = this.#free.pop() ?? this.#end++;
    if (number >= this.#hashes.length) {
      this.#hashes = grown(this.#hashes);
      this.#places = grown(this.#places);
    }
    const hash = this.#hash.of(key);
    this.#hashes[number] = hash;
    this.#places[number] = this.#keys.add(key);
    this.#put(number, hash);
    return number;
  }

  /** Removes the key with this number. */
  remove(number: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let gap = this.#hashes[number]! & mask;
    while (slots[gap] !== number + 1) gap = (gap + 1) & mask;
    for (let at = (gap + 1) & mask; slots[at] !== EMPTY; at = (at + 1) & mask) {
      const home = this.#hashes[slots[at]! - 1]! & mask;
      const isDisplaced = ((at - home) & mask) >= ((at - gap) & mask);
      if (!isDisplaced) continue;
      slots[gap] = slots[at]!;
      gap = at;
    }
    slots[gap] = EMPTY;
    this.#keys.remove(this.#places[number]!);
    this.#free.push(number);
    if (this.#keys.isWasteful) this.#repack();
  }

  /** The bytes of a key: a view, valid until a key is removed. */
  keyOf(number: number): Uint8Array {
    return this.#keys.get(this.#places[number]!);
  }

  /** How many bytes a key has. */
  lengthOf(number: number): number {
    return this.#keys.lengthOf(this.#places[number]!);
  }

  /** Four bytes of a key from `from` on as a number, the first counting most, zeros behind the end. */
  wordOf(number: number, from: number): number {
    return this.#keys.wordOf(this.#places[number]!, from);
  }

  /** Less than 0 when the first comes before the second by their bytes, more when behind it. */
  compare(first: number, second: number): number {
    return this.#keys.compare(this.#places[first]!, this.#places[second]!);
  }

  /** As `compare`, with a key that need not be there. */
  compareTo(number: number, key: Uint8Array): number {
    return this.#keys.compareTo(this.#places[number]!, key);
  }

  /** What it is made of, for `restored`: views, valid until the next change. */
  get state(): KeyTableState {
    return {
      seed: this.#hash.seed,
      slots: this.#slots,
      hashes: this.#hashes.subarray(0, this.#end),
      places: this.#places.subarray(0, this.#end),
      free: Uint32Array.from(this.#free),
      keys: this.#keys.state,
    };
  }

  /** A table as it was. The arrays are its own from then on. */
  static restored(state: KeyTableState): KeyTable {
    const table = new KeyTable(state.seed);
    table.#slots = state.slots;
    table.#hashes = state.hashes;
    table.#places = state.places;
    table.#free = [...state.free];
    table.#end = state.hashes.length;
    table.#keys = KeyBytes.restored(state.keys);
    return table;
  }

  /** Which numbers below `end` belong to no key, one byte each. */
  get freeNumbers(): Uint8Array {
    const isFree = new Uint8Array(this.#end);
    for (const number of this.#free) isFree[number] = 1;
    return isFree;
  }

  /** The numbers of all keys, in no order. */
  *numbers(): Generator<number, void, undefined> {
    for (const slot of this.#slots) if (slot !== EMPTY) yield slot - 1;
  }

  #put(number: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = hash & mask;
    while (slots[at] !== EMPTY) at = (at + 1) & mask;
    slots[at] = number + 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(2 * old.length);
    for (const slot of old) if (slot !== EMPTY) this.#put(slot - 1, this.#hashes[slot - 1]!);
  }

  #repack(): void {
    const moved = new KeyBytes();
    for (const number of this.numbers()) this.#places[number] = moved.add(this.keyOf(number));
    this.#keys = moved;
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(SLOTS_MIN, 2 * array.length));
  larger.set(array);
  return larger;
}
