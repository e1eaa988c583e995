/**
 * Which records a request is about, and the walk over them.
 *
 * @module
 */
import type { Backend, Bounds } from "../core/backend.ts";
import { outOfRange } from "../core/base/offset_errors.ts";
import { SeglogError } from "../core/base/errors.ts";
import { PARTITIONS_MAX } from "../core/base/limits.ts";
import { decodeBase64 } from "../core/base/base64.ts";
import { encodeUtf8 } from "../core/base/bytes.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { LogRecord } from "../core/format/record.ts";
import { type OffsetSelector, parseOffsetSelector } from "../core/offset_range.ts";
import { recordsOf } from "../core/format/records_of.ts";
import type { Exchange } from "./exchange.ts";
import { WAIT_MS_MAX } from "./limits.ts";
import { MIN_OFFSET_PARAMETERS, waitForWanted, wantedOffset } from "./min_offset.ts";
import type { Query } from "./query.ts";

/** The parameters that say which records, for every format. */
export const RANGE_PARAMETERS = [
  ...["partition", "from", "until", "wait", "reverse", "key", "keyBase64"] as const,
  ...MIN_OFFSET_PARAMETERS,
];

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
  /** Only records with this key. */
  readonly key: Uint8Array | undefined;
  /** How long to wait for a record where there is none; 0 is not at all. */
  readonly waitMs: number;
  readonly bounds: Bounds;
}

/**
 * The range that a request asks for, when the offset is there that it wants to be there.
 *
 * @param resumeFrom overrides `from`: where a client goes on
 * @throws {SeglogError} `invalid-argument`, `not-found`, `offset-out-of-range`, `unavailable`
 */
export async function readRange(
  exchange: Exchange,
  query: Query,
  resumeFrom?: number,
): Promise<ReadRange> {
  const { backend, topic, services } = exchange;
  const partition = query.whole("partition", 0, PARTITIONS_MAX - 1) ?? 0;
  const reverse = query.flag("reverse");
  const key = keyOf(query);
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
  const from = resumeFrom === undefined
    ? selector("from")
    : { kind: "offset" as const, offset: resumeFrom };
  const asked = { topic, partition, reverse, key, waitMs, from, until: selector("until") };
  await waitForWanted(exchange, { topic, partition }, wantedOffset(query));
  return await resolveRange(backend, asked);
}

/** A range as it is asked for. */
export interface AskedRange
  extends Pick<ReadRange, "topic" | "partition" | "reverse" | "key" | "waitMs"> {
  /** The first readable record unless given. */
  readonly from: OffsetSelector | undefined;
  /** The end unless given. */
  readonly until: OffsetSelector | undefined;
}

/** What is asked for, in offsets. @throws {SeglogError} `not-found`, `offset-out-of-range` */
export async function resolveRange(backend: Backend, asked: AskedRange): Promise<ReadRange> {
  const { topic, partition, reverse, key, waitMs } = asked;
  const place = { backend, topic, partition };
  const fromWanted = await atTime(place, asked.from);
  const untilWanted = await atTime(place, asked.until);
  const bounds = await backend.bounds(topic, partition);
  const from = offsetOf(fromWanted ?? { kind: "start" }, bounds);
  if (from < bounds.logStartOffset || from > bounds.nextOffset) {
    throw outOfRange(`"${topic}"`, from, bounds);
  }
  const untilAsked = untilWanted === undefined ? undefined : offsetOf(untilWanted, bounds);
  const until = Math.max(from, Math.min(untilAsked ?? Infinity, bounds.nextOffset));
  return { topic, partition, from, until, untilAsked, reverse, key, waitMs, bounds };
}

/** The key that is asked for, as text or as base64. @throws {SeglogError} `invalid-argument` */
function keyOf(query: Query): Uint8Array | undefined {
  const [text, base64] = [query.text("key"), query.text("keyBase64")];
  if (base64 === undefined) return text === undefined ? undefined : encodeUtf8(text);
  const key = text === undefined ? decodeBase64(base64) : undefined;
  if (key !== undefined) return key;
  throw new SeglogError(
    "invalid-argument",
    "Cannot read by key: give key=TEXT or keyBase64=BASE64, padded, and not both",
  );
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
  const { topic, partition, from, until, reverse, key } = range;
  if (from === until) return;
  for await (const batch of backend.batches(topic, { partition, from, until, reverse, key })) {
    yield portionOf(batch, range);
  }
}

/** One batch, cut to the range. */
export function portionOf(
  batch: BatchView,
  range: Pick<ReadRange, "from" | "until" | "reverse" | "key">,
): Portion {
  const { from, until, reverse, key } = range;
  const next = reverse ? Math.max(from, batch.baseOffset) : Math.min(until, batch.nextOffset);
  return { records: recordsOf(batch, { from, until, reverse, key }), next };
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
