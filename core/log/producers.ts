/**
 * What a log remembers of its producers, so that a retry does not make duplicates.
 *
 * The idea is that of Kafka's idempotent producer (KIP-98): a producer numbers its appends; the log
 * takes only the next number, answers a repeated one with the offsets of the first try, and turns
 * away an epoch that another has replaced. The state is a fold over the batches of the log; the
 * manifest carries what lies before the active segment.
 *
 * Appends on their way to the disk are kept apart from those that are written: they count for
 * {@linkcode ProducerTable.check}, and are forgotten without a trace when they are turned away.
 *
 * @module
 */
import { type ErrorDetails, SeglogError } from "../base/errors.ts";
import { PRODUCER_WINDOW, PRODUCERS_MAX } from "../base/limits.ts";
import type { ProducerStamp } from "../format/producer_field.ts";

/** An append of a producer: where its records went. */
export interface ProducedRange {
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
}

/** One producer as it is kept in the manifest. */
export interface ProducerState {
  readonly id: string;
  readonly epoch: number;
  /** Its last few appends, oldest first; one at least. */
  readonly recent: readonly ProducedRange[];
}

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
    const state = this.#latest(producer.id);
    if (state === undefined || producer.epoch > state.epoch) return undefined;
    if (producer.epoch < state.epoch) {
      const { epoch } = state;
      const details = { expected: epoch, actual: producer.epoch, epoch };
      throw refusal(producer, `its epoch was replaced by ${epoch}`, details);
    }
    const known = state.recent.find((range) => range.sequence === producer.sequence);
    if (known !== undefined) return known;
    const next = state.recent.at(-1)!.sequence + 1;
    if (producer.sequence === next) return undefined;
    const details = { expected: next, actual: producer.sequence, epoch: state.epoch };
    throw refusal(producer, `the next sequence is ${next}`, details);
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
    const after = advanced(before, producer, range);
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
      if (producer.id === id) state = advanced(state, producer, range, Infinity);
    }
    return state;
  }
}

/** The state after one more append; the same state when the append is not news. */
function advanced(
  state: ProducerState | undefined,
  producer: ProducerStamp,
  range: { start: number; end: number },
  window = PRODUCER_WINDOW,
): ProducerState {
  const { id, epoch, sequence } = producer;
  const isNews = state === undefined || epoch > state.epoch ||
    (epoch === state.epoch && sequence > state.recent.at(-1)!.sequence);
  if (!isNews) return state;
  const before = state?.epoch === epoch ? state.recent : [];
  const recent = [...before, { sequence, start: range.start, end: range.end }];
  return { id, epoch, recent: recent.slice(-window) };
}

/** @param details with the epoch that the log knows: whether it is another tells why */
function refusal(producer: ProducerStamp, why: string, details: ErrorDetails): SeglogError {
  return new SeglogError(
    "condition-failed",
    `Cannot append sequence ${producer.sequence} of producer "${producer.id}" with epoch ${producer.epoch}: ${why}`,
    { details },
  );
}
