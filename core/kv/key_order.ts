/**
 * Keys in the order of their bytes: their numbers in runs of some hundred, each run sorted and
 * before the next. A key that comes moves half a run on the average.
 *
 * @module
 */
import { lastIndexWhere } from "../base/binary_search.ts";
import type { KeyTable } from "../base/key_table.ts";
import { sortKeys } from "./sort_keys.ts";

const RUN_NUMBERS_MAX = 512;

/** Part of all keys, in order. */
interface Run {
  readonly numbers: Uint32Array;
  count: number;
}

/** Which keys: those in `[start, end)`, by their bytes. */
export interface KeyRange {
  /** The first key, whether it is there or not. */
  readonly start?: Uint8Array;
  /** Behind the last. */
  readonly end?: Uint8Array;
}

/** The keys of a table in order. */
export class KeyOrder {
  readonly #table: KeyTable;
  /** None is empty. */
  readonly #runs: Run[] = [];

  /** Sorts all keys of a table. */
  constructor(table: KeyTable) {
    this.#table = table;
    const numbers = sortKeys(table);
    const filled = Math.ceil(RUN_NUMBERS_MAX * 0.75);
    for (let at = 0; at < numbers.length; at += filled) {
      this.#runs.push(runOf(numbers.subarray(at, at + filled)));
    }
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#runs.length * RUN_NUMBERS_MAX * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** Takes in a key that the table has just got. */
  add(number: number): void {
    const runs = this.#runs;
    if (runs.length === 0) return void runs.push(runOf([number]));
    const which = Math.max(0, this.#runBefore((other) => this.#table.compare(other, number)));
    const run = runs[which]!;
    const at = 1 + lastIndexWhere(
      run.count,
      (i) => this.#table.compare(run.numbers[i]!, number) < 0,
    );
    run.numbers.copyWithin(at + 1, at, run.count++);
    run.numbers[at] = number;
    if (run.count === RUN_NUMBERS_MAX) this.#split(which);
  }

  /** Lets go of a key that the table still has. */
  remove(number: number): void {
    const which = this.#runBefore((other) => this.#table.compare(other, number) - 1);
    const run = this.#runs[which]!;
    const at = run.numbers.subarray(0, run.count).indexOf(number);
    run.numbers.copyWithin(at, at + 1, run.count--);
    if (run.count === 0) this.#runs.splice(which, 1);
  }

  /** The numbers of the keys in a range, while nothing is added or removed. */
  *forward({ start, end }: KeyRange): Generator<number, void, undefined> {
    const place = this.#firstFrom(start);
    for (; place.which < this.#runs.length; place.which++) {
      const { numbers, count } = this.#runs[place.which]!;
      for (; place.at < count; place.at++) {
        const number = numbers[place.at]!;
        if (end !== undefined && this.#table.compareTo(number, end) >= 0) return;
        yield number;
      }
      place.at = 0;
    }
  }

  /** The same from the last to the first. */
  *backward({ start, end }: KeyRange): Generator<number, void, undefined> {
    const place = end === undefined ? { which: this.#runs.length, at: 0 } : this.#firstFrom(end);
    for (;;) {
      if (place.at === 0) {
        if (place.which === 0) return;
        place.at = this.#runs[--place.which]!.count;
      }
      const number = this.#runs[place.which]!.numbers[--place.at]!;
      if (start !== undefined && this.#table.compareTo(number, start) < 0) return;
      yield number;
    }
  }

  /** Where the first key is that is not before `key`. */
  #firstFrom(key: Uint8Array | undefined): { which: number; at: number } {
    if (key === undefined || this.#runs.length === 0) return { which: 0, at: 0 };
    const which = Math.max(0, this.#runBefore((number) => this.#table.compareTo(number, key)));
    const { numbers, count } = this.#runs[which]!;
    const at = 1 + lastIndexWhere(count, (i) => this.#table.compareTo(numbers[i]!, key) < 0);
    return { which, at };
  }

  /** The last run whose first key compares as less than 0, or -1. */
  #runBefore(compare: (number: number) => number): number {
    const runs = this.#runs;
    return lastIndexWhere(runs.length, (i) => compare(runs[i]!.numbers[0]!) < 0);
  }

  #split(which: number): void {
    const run = this.#runs[which]!;
    const half = RUN_NUMBERS_MAX / 2;
    this.#runs.splice(which + 1, 0, runOf(run.numbers.subarray(half)));
    run.count = half;
  }
}

function runOf(numbers: ArrayLike<number>): Run {
  const run = { numbers: new Uint32Array(RUN_NUMBERS_MAX), count: numbers.length };
  run.numbers.set(numbers);
  return run;
}
