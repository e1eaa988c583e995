/**
 * Which records a request is about, and the walk over them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Backend, Bounds } from "../core/backend.ts";
import { outOfRange } from "../core/base/offset_errors.ts";
import { SeglogError } from "../core/base/errors.ts";
import { PARTITIONS_MAX } from "../core/base/limits.ts";
import { encodeUtf8 } from "../core/base/bytes.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { LogRecord } from "../core/format/record.ts";
import { type OffsetSelector, parseOffsetSelector } from "../core/offset_range.ts";
import { recordsOf } from "../core/format/records_of.ts";
import type { Exchange } from "./exchange.ts";
import { WAIT_MS_MAX } from "./limits.ts";
import type { Query } from "./query.ts";

/** The parameters that say which records, for every format. */
export const RANGE_PARAMETERS = ["partition", "from", "until", "wait", "reverse"] as const;

/** Records `[from, until)` of one partition. */
export interface ReadRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** Never past the end, as it was when the request came. */
  readonly until: number;
  /** Where the client said that reading ends; `undefined` is: as far as records come. */
  readonly untilAsked: number | undefined;
  readonly reverse: boolean;
  /** How long to wait for a record where there is none; 0 is not at all. */
  readonly waitMs: number;
  readonly bounds: Bounds;
}

/**
 * The range that a request asks for.
 *
 * @param resumeFrom overrides `from`: where a client goes on
 * @throws {SeglogError} `invalid-argument`, `not-found`, `offset-out-of-range`
 */
export async function readRange(
  { backend, topic, services }: Exchange,
  query: Query,
  resumeFrom?: number,
): Promise<ReadRange> {
  const partition = query.whole("partition", 0, PARTITIONS_MAX - 1) ?? 0;
  const reverse = query.flag("reverse");
  const waitMs = query.duration("wait", WAIT_MS_MAX) ?? 0;
  if (reverse && waitMs > 0) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot wait for records in reverse: give wait or reverse, not both",
    );
  }
  const now = services.clock.now();
  const selector = (name: string) => {
    const text = query.text(name);
    return text === undefined ? undefined : parseOffsetSelector(text, now);
  };
  const place = { backend, topic, partition };
  const fromWanted = resumeFrom === undefined
    ? await atTime(place, selector("from"))
    : { kind: "offset" as const, offset: resumeFrom };
  const untilWanted = await atTime(place, selector("until"));
  const bounds = await backend.bounds(topic, partition);
  const from = offsetOf(fromWanted ?? { kind: "start" }, bounds);
  if (from < bounds.logStartOffset || from > bounds.nextOffset) {
    throw outOfRange(`"${topic}"`, from, bounds);
  }
  const untilAsked = untilWanted === undefined ? undefined : offsetOf(untilWanted, bounds);
  const until = Math.max(from, Math.min(untilAsked ?? Infinity, bounds.nextOffset));
  return { topic, partition, from, until, untilAsked, reverse, waitMs, bounds };
}

/** A filter by key: records whose key has exactly these bytes. */
export function keyFilter(query: Query): ((record: LogRecord) => boolean) | undefined {
  const text = query.text("key");
  if (text === undefined) return undefined;
  const wanted = encodeUtf8(text);
  return ({ key }) => key !== null && Buffer.compare(key, wanted) === 0;
}

/** The records of one batch that are in the range, and the offset that comes after them. */
export interface Portion {
  readonly records: Iterable<LogRecord>;
  /** Where reading goes on: the next offset, or in reverse the lowest that was passed. */
  readonly next: number;
}

/** The batches of the range, cut to it. Ends at `until`. */
export async function* portions(
  backend: Backend,
  range: ReadRange,
): AsyncGenerator<Portion, void, undefined> {
  const { topic, partition, from, until, reverse } = range;
  if (from === until) return;
  for await (const batch of backend.batches(topic, { partition, from, until, reverse })) {
    yield portionOf(batch, range);
  }
}

/** One batch, cut to the range. */
export function portionOf(
  batch: BatchView,
  range: { readonly from: number; readonly until: number; readonly reverse: boolean },
): Portion {
  const { from, until, reverse } = range;
  const next = reverse ? Math.max(from, batch.baseOffset) : Math.min(until, batch.nextOffset);
  return { records: recordsOf(batch, { from, until, reverse }), next };
}

/** Where reading goes on when all of the range was read. */
export function rangeEnd({ from, until, reverse }: ReadRange): number {
  return reverse ? from : until;
}

/** Whether reading failed because of what is stored: it is damaged, or was lost to damage. */
export function isDamage(error: unknown): boolean {
  return error instanceof SeglogError && (error.code === "corrupt" || error.code === "lost");
}

/** A time becomes an offset first, the rest by the bounds as they are after that. */
async function atTime(
  { backend, topic, partition }: { backend: Backend; topic: string; partition: number },
  selector: OffsetSelector | undefined,
): Promise<OffsetSelector | undefined> {
  if (selector?.kind !== "time") return selector;
  return { kind: "offset", offset: await backend.offsetAt(topic, selector.timestampMs, partition) };
}

function offsetOf(selector: OffsetSelector, bounds: Bounds): number {
  switch (selector.kind) {
    case "offset":
      return selector.offset;
    case "last":
      return Math.max(bounds.logStartOffset, bounds.nextOffset - selector.count);
    case "end":
      return bounds.nextOffset;
    default:
      return bounds.logStartOffset;
  }
}
