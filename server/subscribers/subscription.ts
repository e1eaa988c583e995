/**
 * What a subscriber asked for, and the log as it comes to it: portions of records, and the offsets
 * that are gone, which are told and never passed over in silence.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { overtakenTo } from "../../core/base/offset_errors.ts";
import type { Exchange } from "../exchange.ts";
import { SUBSCRIBER_READ_AHEAD_BYTES } from "../limits.ts";
import type { Query } from "../query.ts";
import {
  type Portion,
  portionOf,
  RANGE_PARAMETERS,
  type ReadRange,
  readRange,
} from "../read_range.ts";

/** The parameters of a subscription, whichever way it is sent. */
export const SUBSCRIPTION_PARAMETERS = [...RANGE_PARAMETERS, "limit", "onLost"];

/** Offsets `[start, end)` that nobody can read any more. */
export interface LostOffsets {
  readonly start: number;
  readonly end: number;
  /** `removed` by retention or truncation, or `damaged`, and given up by a repair. */
  readonly reason: "removed" | "damaged";
}

/** Records `[from, until)` of a partition and what comes behind them. */
export interface Subscription {
  readonly range: ReadRange;
  /** Most records. */
  readonly limit: number;
  /** Whether it goes on behind what is lost, instead of ending there. */
  readonly skipsLost: boolean;
  /** What was lost already where it was to begin. */
  readonly lostBefore: LostOffsets | undefined;
}

/** How often the start of a log may move away while a subscriber looks for it. */
const START_LOOKS_MAX = 10;

/**
 * Reads what a request asks for.
 *
 * @param resumeFrom overrides `from`: where a client goes on
 * @throws {SeglogError} `invalid-argument`, `not-found`, `offset-out-of-range`
 */
export async function subscriptionOf(
  exchange: Exchange,
  query: Query,
  resumeFrom?: number,
): Promise<Subscription> {
  const limit = query.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const skipsLost = onLostOf(query) === "skip";
  let lostBefore: LostOffsets | undefined;
  let from = resumeFrom;
  for (let looks = 1;; looks++) {
    try {
      const range = await readRange(exchange, query, from);
      if (!range.reverse) return { range, limit, skipsLost, lostBefore };
      throw new SeglogError(
        "invalid-argument",
        "Cannot follow in reverse: records come oldest first; accept application/json to read back",
      );
    } catch (error) {
      const lost = skipsLost && looks < START_LOOKS_MAX ? lostIn(error) : undefined;
      if (lost === undefined) throw error;
      lostBefore = { ...lost, start: lostBefore?.start ?? lost.start };
      from = lost.end;
    }
  }
}

/** The portions of a subscription as they come, and between them what is lost if it skips that. */
export async function* followed(
  { backend }: Exchange,
  { range, skipsLost, lostBefore }: Subscription,
  signal: AbortSignal,
): AsyncGenerator<Portion | LostOffsets, void, undefined> {
  const { topic, partition, untilAsked, key } = range;
  const until = untilAsked ?? Infinity;
  let from = range.from;
  if (lostBefore !== undefined) yield lostBefore;
  while (from < until && !signal.aborted) {
    try {
      const batches = backend.batches(topic, {
        ...{ partition, from, until: untilAsked, key, follow: true, signal },
        readAheadBytes: SUBSCRIBER_READ_AHEAD_BYTES,
      });
      for await (const batch of batches) {
        const portion = portionOf(batch, { from, until, reverse: false, key });
        yield portion;
        from = portion.next;
      }
      return;
    } catch (error) {
      const lost = skipsLost ? lostIn(error) : undefined;
      if (lost === undefined) throw error;
      yield { ...lost, start: from };
      from = lost.end;
    }
  }
}

/** The offsets that reading failed for, where it can go on behind them. */
function lostIn(error: unknown): LostOffsets | undefined {
  if (!(error instanceof SeglogError)) return undefined;
  const { offset, start, end } = error.details;
  const first = overtakenTo(error);
  if (first !== undefined) return { start: offset as number, end: first, reason: "removed" };
  return error.code === "lost" && typeof start === "number" && typeof end === "number"
    ? { start, end, reason: "damaged" }
    : undefined;
}

function onLostOf(query: Query): "end" | "skip" {
  const text = query.text("onLost") ?? "end";
  if (text === "end" || text === "skip") return text;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use onLost=${JSON.stringify(text.slice(0, 80))}: give end or skip`,
  );
}
