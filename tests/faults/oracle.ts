/**
 * What the contract says about appends whose outcomes are known, beside what a store holds: every
 * append is there or not as it was answered, whole, in order, and nothing else is.
 */
import assert from "node:assert/strict";
import { type Backend, readRecords } from "../../mod.ts";
import { collect } from "../support/collect.ts";

/** How an append ended. */
export type Outcome =
  | { readonly kind: "acknowledged"; readonly start: number; readonly end: number }
  | { readonly kind: "rejected" }
  | { readonly kind: "unknown" };

/** One append to a topic; its values are found nowhere else. */
export interface NotedAppend {
  readonly values: readonly string[];
  readonly outcome: Outcome;
}

/** All that was done to one topic. */
export class TopicOracle {
  readonly appends: NotedAppend[] = [];
  /** Offsets `[start, end)` that may be gone; `isSure` when a truncation of them was acknowledged. */
  readonly removed: { start: number; end: number; isSure: boolean }[] = [];

  mayBeGone(offset: number): boolean {
    return this.removed.some(({ start, end }) => offset >= start && offset < end);
  }

  isGone(offset: number): boolean {
    return this.removed.some(({ start, end, isSure }) => isSure && offset >= start && offset < end);
  }

  /** Compares what is there with all that was answered. */
  check({ bounds, values: found }: Found): void {
    const offsetOf = new Map<string, number>();
    for (const [offset, value] of found) {
      assert.ok(!offsetOf.has(value), `${value} is there twice: a duplicate`);
      offsetOf.set(value, offset);
      assert.ok(!this.isGone(offset), `offset ${offset} was truncated and is there`);
    }
    for (let offset = bounds.logStartOffset; offset < bounds.nextOffset; offset++) {
      assert.ok(found.has(offset) || this.mayBeGone(offset), `offset ${offset} is missing`);
    }
    const known = new Set<string>();
    for (const { values, outcome } of this.appends) {
      for (const value of values) known.add(value);
      if (outcome.kind === "acknowledged") this.#checkAcknowledged(values, outcome, found);
      else this.#checkWhole(values, outcome, offsetOf);
    }
    for (const value of offsetOf.keys()) assert.ok(known.has(value), `${value} was never appended`);
  }

  #checkAcknowledged(
    values: readonly string[],
    { start, end }: { start: number; end: number },
    found: ReadonlyMap<number, string>,
  ): void {
    assert.equal(end - start, values.length);
    values.forEach((value, i) => {
      const there = found.get(start + i);
      if (there === undefined && this.mayBeGone(start + i)) return;
      assert.equal(there, value, `offset ${start + i} was acknowledged`);
    });
  }

  #checkWhole(
    values: readonly string[],
    outcome: Outcome,
    offsetOf: ReadonlyMap<string, number>,
  ): void {
    const offsets = values.map((value) => offsetOf.get(value));
    const first = offsets.findIndex((offset) => offset !== undefined);
    if (first === -1) return;
    assert.notEqual(outcome.kind, "rejected", `${values[first]} was rejected and is there`);
    const start = offsets[first]! - first;
    offsets.forEach((offset, i) => {
      if (offset === undefined && this.mayBeGone(start + i)) return;
      assert.equal(offset, start + i, `an append is there in part: ${values[i]}`);
    });
  }
}

/** What is in a topic. */
export interface Found {
  readonly bounds: { logStartOffset: number; durableOffset: number; nextOffset: number };
  readonly values: ReadonlyMap<number, string>;
}

/** Reads a whole topic. */
export async function findIn(backend: Backend, topic: string): Promise<Found> {
  const records = await collect(readRecords(backend, topic));
  const values = new Map(records.map(({ offset, text }) => [offset, text]));
  return { bounds: await backend.bounds(topic), values };
}
