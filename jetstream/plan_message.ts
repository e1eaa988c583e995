/**
 * Decides what the next message of a stream is: what waits, as far as it goes together, at the end of
 * the log as it is known.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { BATCH_HEADER_BYTES, encodeBatchHeader, WIRE_SALT } from "../core/format/batch_header.ts";
import {
  advanceProducer,
  checkProducer,
  type ProducedRange,
  type ProducerState,
} from "../core/format/producer_state.ts";
import type { GapReason } from "../core/mirror_contract.ts";
import type {
  AppendQueue,
  Queued,
  QueuedBatch,
  QueuedControl,
  WrittenRange,
} from "./append_queue.ts";
import type { LogState } from "./log_state.ts";

/** A message that is to be published at the end of the log. */
export interface PlannedMessage {
  readonly baseOffset: number;
  readonly state: LogState;
  readonly data: Uint8Array;
  readonly gap?: GapReason;
  /** The producer of its batches behind it. */
  readonly producer: ProducerState | undefined;
  /** Whether it is what tells of producers whose messages are removed. */
  readonly isControl: boolean;
  /** What it was made of, in order. */
  readonly taken: readonly Queued[];
  /** Tells all of them that it is stored. */
  settle(): void;
}

/** What a plan starts from. */
export interface Standing {
  /** Names the log in errors. */
  readonly what: string;
  readonly state: LogState;
  /** Whether the state was looked at just now: only then can anything be refused for it. */
  readonly isFresh: boolean;
  /** What is known of the producer of the first batch that waits. */
  readonly producer: ProducerState | undefined;
  /** Bytes that go into one message; a batch may be larger by itself. */
  readonly bytesMax: number;
}

/**
 * The next message; what needs none is told so, or refused.
 *
 * @returns `undefined` where nothing of that has to be published; `"look"` when it takes a fresh look
 */
export function planMessage(
  queue: AppendQueue,
  standing: Standing,
): PlannedMessage | "look" | undefined {
  const { first } = queue;
  if (first?.kind === "control") return planControl(queue, standing, first);
  return new MessageDraft(standing, first?.producer?.id).fill(queue);
}

function planControl(
  queue: AppendQueue,
  { state, isFresh }: Standing,
  control: QueuedControl,
): PlannedMessage | "look" | undefined {
  if (!isFresh) return "look";
  queue.take();
  try {
    const change = control.decide(state);
    if (change !== undefined) {
      return {
        baseOffset: state.nextOffset,
        state: change.state,
        data: change.data ?? new Uint8Array(0),
        ...change.gap === undefined ? {} : { gap: change.gap },
        producer: undefined,
        isControl: change.data !== undefined,
        taken: [control],
        settle: () => control.resolve(),
      };
    }
    control.resolve();
  } catch (error) {
    control.reject(error);
  }
  return undefined;
}

/** Batches of one producer, or of none, that become one message. */
class MessageDraft {
  readonly #standing: Standing;
  readonly #producerId: string | undefined;
  #state: LogState;
  #producer: ProducerState | undefined;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  readonly #taken: { readonly batch: QueuedBatch; readonly range: WrittenRange }[] = [];

  constructor(standing: Standing, producerId: string | undefined) {
    this.#standing = standing;
    this.#producerId = producerId;
    this.#state = standing.state;
    this.#producer = standing.producer;
  }

  /** Takes in what waits, as {@linkcode planMessage} says. */
  fill(queue: AppendQueue): PlannedMessage | "look" | undefined {
    for (let next; (next = queue.first) !== undefined;) {
      if (next.kind !== "batch" || next.producer?.id !== this.#producerId) break;
      const verdict = this.#judge(next);
      if (verdict === "later") break;
      if (verdict === "look") return "look";
      queue.take();
      if (verdict === "add") {
        if (this.#add(next)) continue;
        queue.putBack([next]);
        break;
      }
      if (verdict instanceof SeglogError) next.reject(verdict);
      else next.resolve({ start: verdict.start, end: verdict.end });
    }
    return this.#taken.length === 0 ? undefined : this.#finish();
  }

  /** Whether a batch can follow, was appended before, is refused, or has to wait for the message. */
  #judge(batch: QueuedBatch): "add" | "later" | "look" | ProducedRange | SeglogError {
    let refusal: SeglogError | undefined;
    try {
      const { producer, isMirrored } = batch;
      const known = producer === undefined || isMirrored
        ? undefined
        : checkProducer(this.#producer, producer);
      // What is in this message is not stored yet: its retry is answered when it is.
      if (known !== undefined) return this.#taken.length === 0 ? known : "later";
      refusal = this.#misplaced(batch);
    } catch (error) {
      refusal = error as SeglogError;
    }
    if (refusal === undefined) return "add";
    if (this.#taken.length > 0) return "later";
    return this.#standing.isFresh ? refusal : "look";
  }

  #misplaced({ expectedOffset: expected }: QueuedBatch): SeglogError | undefined {
    const actual = this.#state.nextOffset;
    if (expected === undefined || expected === actual) return undefined;
    return new SeglogError(
      "condition-failed",
      `Cannot append to ${this.#standing.what} at offset ${expected}: the next offset is ${actual}`,
      { details: { expected, actual } },
    );
  }

  /** @returns whether there was room */
  #add(batch: QueuedBatch): boolean {
    const { header, bytes } = batch.finish();
    if (this.#taken.length > 0 && this.#bytes + bytes.length > this.#standing.bytesMax) {
      return false;
    }
    const state = this.#state;
    const start = state.nextOffset;
    const end = start + header.lastOffsetDelta + 1;
    if (!Number.isSafeInteger(end)) {
      batch.reject(
        new SeglogError(
          "too-large",
          `Cannot append ${header.recordCount} records to ${this.#standing.what} at offset ${start}: ` +
            `the last offset is ${Number.MAX_SAFE_INTEGER - 1}`,
        ),
      );
      return true;
    }
    encodeBatchHeader(
      bytes.subarray(0, BATCH_HEADER_BYTES),
      0,
      { ...header, baseOffset: start, durableUpTo: 0, epoch: 0 },
      WIRE_SALT,
    );
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    this.#taken.push({ batch, range: { start, end } });
    if (batch.producer !== undefined) {
      this.#producer = advanceProducer(this.#producer, batch.producer, { start, end });
    }
    this.#state = {
      ...state,
      nextOffset: end,
      maxTimestampMs: Math.max(state.maxTimestampMs, header.maxTimestampMs),
      records: state.records + header.recordCount,
      bytes: state.bytes + bytes.length,
    };
    return true;
  }

  #finish(): PlannedMessage {
    const taken = this.#taken;
    const data = this.#parts.length === 1 ? this.#parts[0]! : new Uint8Array(this.#bytes);
    if (this.#parts.length > 1) {
      let at = 0;
      for (const part of this.#parts) {
        data.set(part, at);
        at += part.length;
      }
    }
    return {
      baseOffset: this.#standing.state.nextOffset,
      state: this.#state,
      data,
      producer: this.#producerId === undefined ? undefined : this.#producer,
      isControl: false,
      taken: taken.map(({ batch }) => batch),
      settle: () => {
        for (const { batch, range } of taken) batch.resolve(range);
      },
    };
  }
}
