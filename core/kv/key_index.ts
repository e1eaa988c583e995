/**
 * Where the latest value of each key is: its revision, which is the offset of its record. While
 * snapshots are open, also where those values are that they still see.
 *
 * Worked example, with a snapshot open at 5:
 *
 * ```text
 *   offset 3   a = 1       latest a: 3
 *   offset 6   a = 2       latest a: 6   older a: 3     (5 sees it)
 *   offset 8   a = 3       latest a: 8   older a: 3     (nobody sees 6)
 *   offset 9   a deleted   deleted at 9  older a: 3
 *   close 5                a is forgotten
 * ```
 *
 * @module
 */
import { KeyOrder, type KeyRange } from "./key_order.ts";
import { KeyTable, type KeyTableState } from "../base/key_table.ts";

const CAPACITY_MIN = 16;
/** So many replacements are remembered without looking which still matter. */
const REPLACED_MIN = 1024;
/** Of a key that was not there yet. */
const NO_VERSION: Version = { revision: -1, valueBytes: undefined };

/** One version of a key. */
export interface Version {
  /** The offset of its record. */
  readonly revision: number;
  /** Bytes of the value; `undefined` when the key was deleted. */
  readonly valueBytes: number | undefined;
}

/** A key that has a value. */
export interface IndexedKey {
  /** UTF-8: a view, valid until the next change. */
  readonly key: Uint8Array;
  /** The offset of its record. */
  readonly revision: number;
  /** Bytes of the value. */
  readonly valueBytes: number;
}

/** Which keys to list. */
export interface ListRange extends KeyRange {
  /** From the last to the first. */
  readonly reverse?: boolean;
  /** As they were at this revision, which a snapshot holds; as they are unless given. */
  readonly revision?: number;
}

/** All that an index is made of. */
export interface KeyIndexState {
  readonly table: KeyTableState;
  /** By number of key. */
  readonly revisions: Float64Array<ArrayBuffer>;
  /** Likewise: one more than the bytes of the value; 0 of a key that is deleted. */
  readonly sizes: Float64Array<ArrayBuffer>;
}

/** Keys with the revisions of their values. */
export class KeyIndex {
  #table = new KeyTable();
  /** Made when keys are first asked for in order: keeping it costs more than all else together. */
  #order: KeyOrder | undefined;
  #revisions = new Float64Array(CAPACITY_MIN);
  /** One more than the bytes of the value; 0 of a key that is deleted, and there for a snapshot. */
  #sizes = new Float64Array(CAPACITY_MIN);
  /** By number of key, the newest last. */
  readonly #older = new Map<number, Version[]>();
  /** When these were replaced, in order: a snapshot that is closed lets go of what came since. */
  #replaced: { readonly number: number; readonly at: number }[] = [];
  /** Open snapshots by revision. */
  readonly #open = new Map<number, number>();
  #newestOpen = -1;
  #keys = 0;
  #valueBytes = 0;

  /** Keys that have a value. */
  get keys(): number {
    return this.#keys;
  }

  /** Bytes of their values. */
  get valueBytes(): number {
    return this.#valueBytes;
  }

  /** Bytes of memory, but for versions that snapshots hold. */
  get bytes(): number {
    return this.#table.bytes + this.#revisions.byteLength + this.#sizes.byteLength +
      (this.#order?.bytes ?? 0);
  }

  /**
   * What it is made of, for `restored`: views, valid until the next change. What only snapshots see
   * is not in it.
   */
  get state(): KeyIndexState {
    const table = this.#table.state;
    const end = this.#table.end;
    return {
      table,
      revisions: this.#revisions.subarray(0, end),
      sizes: this.#sizes.subarray(0, end),
    };
  }

  /** An index as it was. The arrays are its own from then on. */
  static restored({ table, revisions, sizes }: KeyIndexState): KeyIndex {
    const index = new KeyIndex();
    index.#table = KeyTable.restored(table);
    index.#revisions = revisions;
    index.#sizes = sizes;
    const gone: number[] = []; // which a snapshot still saw then
    const isFree = index.#table.freeNumbers;
    for (let number = 0; number < isFree.length; number++) { // in the order of memory, not of hashes
      if (isFree[number] === 1) continue;
      const size = sizes[number]!;
      if (size === 0) gone.push(number);
      else index.#valueBytes += size - 1;
    }
    for (const number of gone) index.#table.remove(number);
    index.#keys = index.#table.count;
    return index;
  }

  /** Takes in what a record says of a key. Revisions rise. */
  apply(key: Uint8Array, version: Version): void {
    const number = this.#table.find(key);
    if (number >= 0) this.#replace(number, version);
    else if (version.valueBytes !== undefined) this.#add(key, version);
  }

  /** Lets go of keys whose records are below an offset: they were truncated. */
  forgetBelow(offset: number): void {
    const gone: number[] = [];
    const isFree = this.#table.freeNumbers;
    for (let number = 0; number < isFree.length; number++) {
      const isThere = isFree[number] === 0 && this.#sizes[number]! > 0;
      if (isThere && this.#revisions[number]! < offset) gone.push(number);
    }
    for (const number of gone) {
      this.#replace(number, { revision: offset - 1, valueBytes: undefined });
      const older = this.#older.get(number); // which snapshots behind the offset see no more
      if (older !== undefined) this.#prune(number, older);
    }
  }

  /** The revision of a key's value, or -1 when it has none. */
  revisionOf(key: Uint8Array): number {
    const number = this.#table.find(key);
    return number < 0 || this.#sizes[number] === 0 ? -1 : this.#revisions[number]!;
  }

  /** The same as of a revision that a snapshot holds. */
  revisionAt(key: Uint8Array, revision: number): number {
    const number = this.#table.find(key);
    if (number < 0) return -1;
    const version = this.#versionAt(number, revision);
    return version.valueBytes === undefined ? -1 : version.revision;
  }

  /** The keys of a range that have a value, in order, as long as nothing is applied. */
  *list({ reverse = false, revision, ...range }: ListRange = {}): Generator<
    IndexedKey,
    void,
    undefined
  > {
    this.#order ??= new KeyOrder(this.#table);
    const numbers = reverse ? this.#order.backward(range) : this.#order.forward(range);
    for (const number of numbers) {
      const { revision: found, valueBytes } = this.#versionAt(number, revision ?? Infinity);
      if (valueBytes !== undefined) {
        yield { key: this.#table.keyOf(number), revision: found, valueBytes };
      }
    }
  }

  /** Keeps what can be seen at the present revision until `release`. */
  hold(revision: number): void {
    this.#open.set(revision, (this.#open.get(revision) ?? 0) + 1);
    this.#newestOpen = Math.max(this.#newestOpen, revision);
  }

  /** Forgets what was kept for nobody else. */
  release(revision: number): void {
    const others = this.#open.get(revision)! - 1;
    if (others > 0) return void this.#open.set(revision, others);
    this.#open.delete(revision);
    if (revision === this.#newestOpen) this.#newestOpen = this.#findNewestOpen();
    for (let i = this.#replaced.length - 1; i >= 0; i--) {
      const { number, at } = this.#replaced[i]!;
      if (at <= revision) break; // it did not see what was replaced before
      const versions = this.#older.get(number);
      if (versions !== undefined) this.#prune(number, versions);
    }
    if (this.#replaced.length <= 2 * this.#older.size + REPLACED_MIN) return;
    this.#replaced = this.#replaced.filter(({ number }) => this.#older.has(number));
  }

  #findNewestOpen(): number {
    let newest = -1;
    for (const revision of this.#open.keys()) newest = Math.max(newest, revision);
    return newest;
  }

  #add(key: Uint8Array, version: Version): void {
    const number = this.#table.add(key);
    if (number >= this.#revisions.length) {
      this.#revisions = grown(this.#revisions);
      this.#sizes = grown(this.#sizes);
    }
    this.#set(number, version);
    this.#order?.add(number);
  }

  #replace(number: number, version: Version): void {
    const replaced = this.#versionOf(number);
    this.#unset(number);
    if (replaced.revision <= this.#newestOpen) {
      const older = this.#older.get(number);
      if (older === undefined) this.#older.set(number, [replaced]);
      else older.push(replaced);
      // What is truncated is replaced at a revision of the past.
      const at = Math.max(version.revision, this.#replaced.at(-1)?.at ?? -1);
      this.#replaced.push({ number, at });
    }
    this.#set(number, version);
    this.#forgetIfGone(number);
  }

  #versionOf(number: number): Version {
    const size = this.#sizes[number]!;
    return {
      revision: this.#revisions[number]!,
      valueBytes: size === 0 ? undefined : size - 1,
    };
  }

  #set(number: number, { revision, valueBytes }: Version): void {
    this.#revisions[number] = revision;
    this.#sizes[number] = valueBytes === undefined ? 0 : valueBytes + 1;
    if (valueBytes === undefined) return;
    this.#keys++;
    this.#valueBytes += valueBytes;
  }

  #unset(number: number): void {
    const { valueBytes } = this.#versionOf(number);
    if (valueBytes === undefined) return;
    this.#keys--;
    this.#valueBytes -= valueBytes;
  }

  #versionAt(number: number, revision: number): Version {
    if (this.#revisions[number]! <= revision) return this.#versionOf(number);
    return this.#older.get(number)?.findLast((older) => older.revision <= revision) ?? NO_VERSION;
  }

  /** Keeps of the older versions those that an open snapshot sees. */
  #prune(number: number, versions: readonly Version[]): void {
    const open = [...this.#open.keys()];
    const seen = versions.filter(({ revision }, i) => {
      const end = versions[i + 1]?.revision ?? this.#revisions[number]!;
      return open.some((snapshot) => revision <= snapshot && snapshot < end);
    });
    if (seen.length > 0) return void this.#older.set(number, seen);
    this.#older.delete(number);
    this.#forgetIfGone(number);
  }

  #forgetIfGone(number: number): void {
    if (this.#sizes[number] !== 0 || this.#older.has(number)) return;
    this.#order?.remove(number);
    this.#table.remove(number);
  }
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(CAPACITY_MIN, 2 * array.length));
  larger.set(array);
  return larger;
}
