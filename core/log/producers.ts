/**
 * What a log remembers of its producers, so that a retry does not make duplicates.
 *
 * The idea is that of Kafka's idempotent producer (KIP-98): a producer numbers its appends; the log
 * takes only the next number, answers a repeated one with the offsets of the first try, and turns
 * away an epoch that another has replaced. The state is a fold over the batches of the log; the
 * manifest carries what lies before the active segment.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { PRODUCER_WINDOW, PRODUCERS_MAX } from "../base/limits.ts";
import type { Producer } from "../format/batch.ts";

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
  /** Its last few appends, oldest first. */
  readonly recent: readonly ProducedRange[];
}

/** The producers of one log, the most recently seen last. */
export class ProducerTable {
  readonly #states = new Map<string, ProducerState>();

  constructor(states: readonly ProducerState[] = []) {
    for (const state of states) this.#states.set(state.id, state);
  }

  /**
   * Whether an append may be made, or was made before.
   *
   * @returns where its records are when it is a retry, `undefined` when it is new
   * @throws {SeglogError} `condition-failed` for a replaced epoch, a skipped sequence, or a retry
   * of an append that is no longer remembered
   */
  check(producer: Producer): ProducedRange | undefined {
    const state = this.#states.get(producer.id);
    if (state === undefined || producer.epoch > state.epoch) return undefined;
    if (producer.epoch < state.epoch) {
      throw refusal(producer, `its epoch was replaced by ${state.epoch}`, state.epoch);
    }
    const known = state.recent.find((range) => range.sequence === producer.sequence);
    if (known !== undefined) return known;
    const last = state.recent.at(-1);
    if (last === undefined || producer.sequence === last.sequence + 1) return undefined;
    throw refusal(producer, `the next sequence is ${last.sequence + 1}`, last.sequence + 1);
  }

  /** Remembers an append. One that is older than what is known is passed over. */
  note(producer: Producer, range: { start: number; end: number }): void {
    const { id, epoch, sequence } = producer;
    const state = this.#states.get(id);
    const isSameEpoch = state?.epoch === epoch;
    if (state !== undefined && state.epoch > epoch) return;
    const before = isSameEpoch ? state.recent : [];
    const last = before.at(-1);
    if (last !== undefined && last.sequence >= sequence) return;
    const recent = [...before, { sequence, start: range.start, end: range.end }];
    this.#states.delete(id); // put back as the most recently seen
    this.#states.set(id, { id, epoch, recent: recent.slice(-PRODUCER_WINDOW) });
    if (this.#states.size > PRODUCERS_MAX) {
      this.#states.delete(this.#states.keys().next().value!);
    }
  }

  /** Forgets appends that reach past `offset`: they were turned away after all. */
  forgetFrom(offset: number): void {
    for (const state of [...this.#states.values()]) {
      const recent = state.recent.filter((range) => range.end <= offset);
      if (recent.length === state.recent.length) continue;
      if (recent.length === 0) this.#states.delete(state.id);
      else this.#states.set(state.id, { ...state, recent });
    }
  }

  /** For the manifest: what is known of the producers by their appends below `offset`. */
  snapshot(offset: number): ProducerState[] {
    const below = new ProducerTable([...this.#states.values()]);
    below.forgetFrom(offset);
    return [...below.#states.values()];
  }
}

function refusal(producer: Producer, why: string, expected: number): SeglogError {
  return new SeglogError(
    "condition-failed",
    `Cannot append sequence ${producer.sequence} of producer "${producer.id}" with epoch ${producer.epoch}: ${why}`,
    { details: { expected, actual: producer.sequence } },
  );
}
