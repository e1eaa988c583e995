/**
 * What a log remembers of its producers, so that a retry does not make duplicates.
 *
 * The state of each is a fold over the batches of the log; the manifest carries what lies before the
 * active segment.
 *
 * Appends on their way to the disk are kept apart from those that are written: they count for
 * {@linkcode ProducerTable.check}, and are forgotten without a trace when they are turned away.
 *
 * @module
 */
import { PRODUCERS_MAX } from "../base/limits.ts";
import type { ProducerStamp } from "../format/producer_field.ts";
import {
  advanceProducer,
  checkProducer,
  type ProducedRange,
  type ProducerState,
} from "../format/producer_state.ts";

/** The producers of one log, the most recently seen last. */
export class ProducerTable {
  readonly #written = new Map<string, ProducerState>();
  /** Appends on their way, in offset order. */
  #pending: { readonly producer: ProducerStamp; readonly range: ProducedRange }[] = [];

  constructor(states: readonly ProducerState[] = []) {
    for (const state of states) this.#written.set(state.id, state);
  }

  /**
   * Whether an append may be made, or was made before.
   *
   * @returns where its records are when it is a retry, `undefined` when it is new
   * @throws {SeglogError} `condition-failed` for a replaced epoch, a skipped sequence, or a retry
   * of an append that is no longer remembered
   */
  check(producer: ProducerStamp): ProducedRange | undefined {
    return checkProducer(this.#latest(producer.id), producer);
  }

  /** Notes an append on its way to the disk. */
  expect(producer: ProducerStamp, range: { start: number; end: number }): void {
    const { sequence } = producer;
    this.#pending.push({ producer, range: { sequence, start: range.start, end: range.end } });
  }

  /** Takes appends that are written now, all that end at or below `nextOffset`, as made. */
  settle(nextOffset: number): void {
    if (this.#pending.length === 0) return;
    const isWritten = ({ range }: { range: ProducedRange }) => range.end <= nextOffset;
    for (const { producer, range } of this.#pending.filter(isWritten)) this.note(producer, range);
    this.#pending = this.#pending.filter((append) => !isWritten(append));
  }

  /** Forgets the appends on their way: they were turned away. */
  forgetPending(): void {
    this.#pending = [];
  }

  /** Remembers an append that is written. One that is older than what is known is passed over. */
  note(producer: ProducerStamp, range: { start: number; end: number }): void {
    const before = this.#written.get(producer.id);
    const after = advanceProducer(before, producer, range);
    if (after === before) return;
    this.#written.delete(producer.id); // put back as the most recently seen
    this.#written.set(producer.id, after);
    if (this.#written.size > PRODUCERS_MAX) {
      this.#written.delete(this.#written.keys().next().value!);
    }
  }

  /** For the manifest: the producers as the written batches tell. */
  snapshot(): ProducerState[] {
    return [...this.#written.values()];
  }

  /** A producer with what is on its way counted in, and nothing of its memory lost to that. */
  #latest(id: string): ProducerState | undefined {
    let state = this.#written.get(id);
    for (const { producer, range } of this.#pending) {
      if (producer.id === id) state = advanceProducer(state, producer, range, Infinity);
    }
    return state;
  }
}
