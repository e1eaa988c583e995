/**
 * Where the latest record of each key is, in a part of a log.
 *
 * @module
 */
import { KeyTable } from "../base/key_table.ts";
import { KV_KEY_BYTES_MAX } from "../base/limits.ts";

const CAPACITY_MIN = 1024;

/** The last record with a key. */
export interface LatestRecord {
  readonly offset: number;
  /** When a tombstone was written, in milliseconds since 1970; `undefined` of a record with a value. */
  readonly deletedMs: number | undefined;
}

/** Whether compaction looks at records with this key: what has none, or a long one, stays. */
export function isCompacted(key: Uint8Array | null): key is Uint8Array {
  return key !== null && key.length <= KV_KEY_BYTES_MAX;
}

/** Keys with the offsets of their last records. */
export class LatestOffsets {
  readonly #table = new KeyTable();
  /** The first and the last record of each key, by its number. */
  #firsts = new Float64Array(CAPACITY_MIN);
  #offsets = new Float64Array(CAPACITY_MIN);
  /** One more than the time of a tombstone; 0 of a record with a value. */
  #deleted = new Float64Array(CAPACITY_MIN);

  /** Keys that are known. */
  get keys(): number {
    return this.#table.count;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#table.bytes + 3 * this.#offsets.byteLength;
  }

  /**
   * Notes a record that is behind all others.
   *
   * @returns the offset of the one that it replaces, or -1
   */
  note(key: Uint8Array, { offset, deletedMs }: LatestRecord): number {
    let number = this.#table.find(key);
    const before = number < 0 ? -1 : this.#offsets[number]!;
    if (number < 0) {
      number = this.#table.add(key);
      if (number >= this.#offsets.length) this.#grow();
      this.#firsts[number] = offset;
    }
    this.#offsets[number] = offset;
    this.#deleted[number] = deletedMs === undefined ? 0 : deletedMs + 1;
    return before;
  }

  /** The offset of the last record with a key; -1 when there is none in this part. */
  of(key: Uint8Array): number {
    const number = this.#table.find(key);
    return number < 0 ? -1 : this.#offsets[number]!;
  }

  /** The offset of the first record with a key; -1 when there is none in this part. */
  firstOf(key: Uint8Array): number {
    const number = this.#table.find(key);
    return number < 0 ? -1 : this.#firsts[number]!;
  }

  /** The keys, each a view, in no order. */
  *names(): Generator<Uint8Array, void, undefined> {
    for (const number of this.#table.numbers()) yield this.#table.keyOf(number);
  }

  /** The last records that are tombstones, in no order. */
  *tombstones(): Generator<
    { readonly offset: number; readonly deletedMs: number },
    void,
    undefined
  > {
    for (const number of this.#table.numbers()) {
      const deleted = this.#deleted[number]!;
      if (deleted > 0) yield { offset: this.#offsets[number]!, deletedMs: deleted - 1 };
    }
  }

  #grow(): void {
    this.#firsts = grown(this.#firsts);
    this.#offsets = grown(this.#offsets);
    this.#deleted = grown(this.#deleted);
  }
}

function grown(from: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const to = new Float64Array(2 * from.length);
  to.set(from);
  return to;
}
