/**
 * What is remembered of one producer, and the rules by which its next append is taken or turned away.
 *
 * The idea is that of Kafka's idempotent producer (KIP-98): a producer numbers its appends; the log
 * takes only the next number, answers a repeated one with the offsets of the first try, and turns
 * away an epoch that another has replaced.
 *
 * @module
 */
import { type ErrorDetails, SeglogError } from "../base/errors.ts";
import { PRODUCER_WINDOW } from "../base/limits.ts";
import type { ProducerStamp } from "./producer_field.ts";

/** An append of a producer: where its records went. */
export interface ProducedRange {
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
}

/** One producer as it is kept. */
export interface ProducerState {
  readonly id: string;
  readonly epoch: number;
  /** Its last few appends, oldest first; one at least. */
  readonly recent: readonly ProducedRange[];
}

/**
 * Whether an append may be made, or was made before.
 *
 * @param state what is known of the producer, if anything
 * @returns where its records are when it is a retry, `undefined` when it is new
 * @throws {SeglogError} `condition-failed` for a replaced epoch, a skipped sequence, or a retry
 * of an append that is no longer remembered
 */
export function checkProducer(
  state: ProducerState | undefined,
  producer: ProducerStamp,
): ProducedRange | undefined {
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

/** The state after one more append; the same state when the append is not news. */
export function advanceProducer(
  state: ProducerState | undefined,
  producer: ProducerStamp,
  range: { readonly start: number; readonly end: number },
  window: number = PRODUCER_WINDOW,
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
