/**
 * Sorts all keys of a table by their bytes, four of them at a time: those four and the number of the
 * key make one integer of 64 bits, which the runtime sorts natively. Keys whose four are the same
 * are sorted by the next four: radix sort from the front (Bentley and Sedgewick, "Fast Algorithms
 * for Sorting and Searching Strings", 1997, sort by characters in the same manner).
 *
 * ```text
 *   "ant"   2   61 6e 74 00 | 2        61 6e 74 00 | 2    ended: "ant" is before what it begins
 *   "bee"   5   62 65 65 00 | 5  sort  61 6e 74 73 | 7
 *   "ants"  7   61 6e 74 73 | 7  --->  62 65 65 00 | 5    ended
 *   "bee\0" 9   62 65 65 00 | 9        62 65 65 00 | 9    the same four: ended too, and longer
 * ```
 *
 * A key is looked at a few times for each four bytes that it shares with others, so long prefixes do
 * no harm; calls are nested a quarter as deep as the longest key is long. While it sorts it takes 9
 * bytes a key, and 4 more for what it returns.
 *
 * @module
 */
import type { KeyTable } from "../base/key_table.ts";

/** Bytes of a word. */
const WORD_BYTES = 4;
/** So many are sorted by insertion: a call of the native sort takes longer. */
const FEW = 24;

/** The numbers of all keys in the order of the keys' bytes. */
export function sortKeys(table: KeyTable): Uint32Array {
  const sort = new KeySort(table);
  sort.run();
  return sort.numbers();
}

/** One sort: pairs of a word, which counts most, and a number. */
class KeySort {
  readonly #table: KeyTable;
  readonly #pairs: BigUint64Array;
  /** The same, little-endian: the number at `2 * i`, the word at `2 * i + 1`. */
  readonly #halves: Uint32Array;

  constructor(table: KeyTable) {
    this.#table = table;
    this.#pairs = new BigUint64Array(table.count);
    this.#halves = new Uint32Array(this.#pairs.buffer);
    const isFree = table.freeNumbers;
    // By number, which mostly is the order in which keys lie in memory.
    for (let number = 0, at = 0; number < isFree.length; number++) {
      if (isFree[number] === 1) continue;
      this.#halves[at] = number;
      at += 2;
    }
  }

  run(): void {
    this.#sort(0, this.#pairs.length, 0);
  }

  numbers(): Uint32Array {
    const halves = this.#halves;
    const numbers = new Uint32Array(this.#pairs.length);
    for (let i = 0; i < numbers.length; i++) numbers[i] = halves[2 * i]!;
    return numbers;
  }

  /** Sorts the keys in `[start, end)`, which are alike before `from` and go as far at least. */
  #sort(start: number, end: number, from: number): void {
    for (;;) {
      if (end - start < 2) return;
      if (this.#load(start, end, from)) break;
      start = this.#endedFirst(start, end, from);
      from = this.#alikeUntil(start, end, from + WORD_BYTES);
    }
    if (end - start <= FEW) this.#sortFew(start, end);
    else this.#pairs.subarray(start, end).sort();
    const halves = this.#halves;
    for (let first = start; first < end;) {
      const word = halves[2 * first + 1]!;
      let behind = first + 1;
      while (behind < end && halves[2 * behind + 1] === word) behind++;
      if (behind - first > 1) {
        this.#sort(this.#endedFirst(first, behind, from), behind, from + WORD_BYTES);
      }
      first = behind;
    }
  }

  /** Takes the words at `from`. @returns whether they differ */
  #load(start: number, end: number, from: number): boolean {
    const halves = this.#halves;
    const table = this.#table;
    const first = table.wordOf(halves[2 * start]!, from);
    let differing = 0;
    for (let at = 2 * start; at < 2 * end; at += 2) {
      const word = table.wordOf(halves[at]!, from);
      halves[at + 1] = word;
      differing |= word ^ first;
    }
    return differing !== 0;
  }

  #sortFew(start: number, end: number): void {
    const halves = this.#halves;
    for (let i = 2 * start + 2; i < 2 * end; i += 2) {
      const number = halves[i]!;
      const word = halves[i + 1]!;
      let to = i;
      for (; to > 2 * start && halves[to - 1]! > word; to -= 2) {
        halves[to] = halves[to - 2]!;
        halves[to + 1] = halves[to - 1]!;
      }
      halves[to] = number;
      halves[to + 1] = word;
    }
  }

  /**
   * Of keys whose word at `from` is the same, puts those to the front that end in it, the shorter
   * before the longer: five at most, as no two keys are the same.
   *
   * @returns where the others begin
   */
  #endedFirst(start: number, end: number, from: number): number {
    const halves = this.#halves;
    const table = this.#table;
    let behind = start;
    for (let i = start; i < end; i++) {
      const number = halves[2 * i]!;
      const length = table.lengthOf(number);
      if (length > from + WORD_BYTES) continue;
      halves[2 * i] = halves[2 * behind]!;
      let to = behind++;
      for (; to > start && table.lengthOf(halves[2 * to - 2]!) > length; to--) {
        halves[2 * to] = halves[2 * to - 2]!;
      }
      halves[2 * to] = number;
    }
    return behind;
  }

  /** Where keys that are alike before `from` may begin to differ, by whole words. */
  #alikeUntil(start: number, end: number, from: number): number {
    if (start === end) return from;
    const halves = this.#halves;
    const table = this.#table;
    const first = halves[2 * start]!;
    let until = table.lengthOf(first);
    for (let i = start; i < end && until > from; i++) {
      const number = halves[2 * i]!;
      const last = Math.min(until, table.lengthOf(number)) - WORD_BYTES;
      let at = from;
      while (at <= last && table.wordOf(number, at) === table.wordOf(first, at)) at += WORD_BYTES;
      until = at;
    }
    return until;
  }
}
