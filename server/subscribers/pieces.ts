/**
 * A subscription as pieces that are worth sending, one at a time: the next is made when the one
 * before was taken, so that a slow subscriber costs the memory of one piece and of the batch that it
 * is from, and no more.
 *
 * @module
 */
import type { LogRecord } from "../../core/format/record.ts";
import type { Exchange } from "../exchange.ts";
import { CHUNK_BYTES } from "../limits.ts";
import { settledWithin } from "../patience.ts";
import type { Credit } from "./credit.ts";
import { LagMeter, type LagNote } from "./lag_meter.ts";
import { followed, type LostOffsets, type Subscription } from "./subscription.ts";

/** What a subscriber is told beside its records. */
export type Note = LagNote | ({ readonly event: "lost" } & LostOffsets);

/** Puts records and notes into the form in which they are sent. */
export interface Framing<Piece> {
  /** Bytes that were put in and not taken. */
  readonly length: number;
  record(record: LogRecord): void;
  note(note: Note): void;
  /** All that was put in, as one piece. */
  take(): Piece;
}

/** How a subscription is sent. */
export interface PiecesOptions<Piece> {
  readonly framing: Framing<Piece>;
  /** How many records the client takes; not given is as many as there are. */
  readonly credit?: Credit;
  /** Ends it quietly. */
  readonly signal: AbortSignal;
}

/** The pieces of a subscription, until it is complete or its signal is aborted. */
export async function* pieces<Piece>(
  exchange: Exchange,
  subscription: Subscription,
  { framing, credit, signal }: PiecesOptions<Piece>,
): AsyncGenerator<Piece, void, undefined> {
  const { clock, limits, metrics } = exchange.services;
  const meter = meterOf(exchange, subscription);
  let next = subscription.range.from;
  let count = 0;
  let wasLagging = false;

  const look = async (unreadMs = 0) => {
    const note = await meter.look(next, unreadMs);
    if (note !== undefined) framing.note(note);
    if (meter.isLagging !== wasLagging) metrics.lagging(meter.isLagging ? 1 : -1);
    wasLagging = meter.isLagging;
  };
  const flush = async function* (): AsyncGenerator<Piece, void, undefined> {
    if (framing.length === 0) return;
    const sentMs = clock.now();
    yield framing.take();
    await look(clock.now() - sentMs);
  };
  const untilCredit = async function* (): AsyncGenerator<Piece, void, undefined> {
    const granted = credit!.granted(signal).then(() => true);
    while (credit!.isSpent && !signal.aborted) {
      yield* flush();
      if (await settledWithin(granted, limits.lagMs) === undefined) await look(limits.lagMs);
    }
  };

  try {
    await look();
    yield* flush();
    for await (const item of followed(exchange, subscription, signal)) {
      if ("reason" in item) {
        next = item.end;
        framing.note({ event: "lost", ...item });
      } else {
        const before = count;
        for (const record of item.records) {
          if (framing.length >= CHUNK_BYTES) yield* flush();
          if (credit?.isSpent) yield* untilCredit();
          if (signal.aborted) break; // at the end of a piece, or it comes to it at the end of the batch
          credit?.spend();
          framing.record(record);
          next = record.offset + 1;
          if (++count === subscription.limit) break;
        }
        metrics.sent(count - before);
        if (count === subscription.limit) return yield* flush();
        next = item.next;
      }
      // Again for what a look had to tell: nothing else may come for long.
      while (framing.length > 0 && !signal.aborted) yield* flush();
    }
  } finally {
    if (wasLagging) metrics.lagging(-1);
  }
}

function meterOf(
  { backend, services: { limits, clock } }: Exchange,
  { range: { topic, partition, untilAsked, key } }: Subscription,
): LagMeter {
  const end = async () => {
    const { nextOffset } = await backend.bounds(topic, partition);
    return Math.min(nextOffset, untilAsked ?? Infinity);
  };
  const { lagRecords, lagMs } = limits;
  return new LagMeter({ end, countsAll: key === undefined, lagRecords, lagMs, clock });
}
