/**
 * Reads a range of one partition: what is near by single messages, what is long, or yet to come, by a
 * feed.
 *
 * @module
 */
import type { ReadOptions } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { lostRange, outOfRange } from "../core/base/offset_errors.ts";
import type { BatchView } from "../core/format/batch.ts";
import { holdsKey } from "../core/format/records_of.ts";
import { trimBatch } from "../core/format/trim_batch.ts";
import type { Connection } from "./connection.ts";
import { findOffset, missing } from "./find_offset.ts";
import { messageFeed } from "./message_feed.ts";
import { type WholeMessage, wholeMessage } from "./message_content.ts";
import { type PartitionStream, type Tip, tipAt } from "./partition_stream.ts";
import type { StoredMessage } from "./stored_message.ts";

/** Messages that are asked for one by one; where there are more, a feed costs less. */
const NEAR_MESSAGES = 32;
/** How many of them are asked for at the same time. */
const MESSAGES_AT_ONCE = 8;

/** What reading works with. */
export interface ReaderParts {
  readonly stream: PartitionStream;
  /** Where it ends. */
  readonly tip: Tip;
  readonly connection: Connection;
  /** Aborted when the backend is closed. */
  readonly ending: AbortSignal;
}

/** Offsets `[from, until)`. */
interface Range {
  readonly from: number;
  readonly until: number;
}

/** The batches of a range, as `Backend.batches` says. */
export async function* readPartition(
  parts: ReaderParts,
  options: ReadOptions,
): AsyncGenerator<BatchView, void, undefined> {
  const { stream, tip, ending } = parts;
  const { reverse = false, follow = false, key } = options;
  if (reverse && follow) {
    throw new SeglogError("invalid-argument", `Cannot follow ${stream.what} in reverse`);
  }
  if (options.signal?.aborted) return;
  const range = rangeOf(stream, tip, options);
  const signal = options.signal === undefined ? ending : AbortSignal.any([ending, options.signal]);
  const batches = reverse
    ? backwards(stream, { tip, range, signal })
    : forwards(parts, { range, follow, signal });
  const start = tip.state.logStartOffset;
  for await (const found of batches) {
    if (signal.aborted) break;
    // A truncation may go through the middle of a batch.
    const batch = found.baseOffset < start
      ? trimBatch(found, { from: start, until: Infinity })
      : found;
    if (batch !== undefined && (key === undefined || holdsKey(batch, key))) yield batch;
    if (signal.aborted) break;
  }
  if (ending.aborted && !options.signal?.aborted) {
    throw new SeglogError("closed", `Cannot read ${stream.what}: the backend is closed`);
  }
}

function rangeOf(stream: PartitionStream, { state }: Tip, options: ReadOptions): Range {
  const from = options.from ?? state.logStartOffset;
  const isReadable = Number.isSafeInteger(from) && from >= state.logStartOffset &&
    from <= state.nextOffset;
  if (!isReadable) throw outOfRange(stream.what, from, state);
  const until = options.until ?? (options.follow ? Infinity : state.nextOffset);
  if (Number.isNaN(until)) {
    throw new SeglogError("invalid-argument", `Cannot read ${stream.what} until offset NaN`);
  }
  return { from, until: options.follow ? until : Math.min(until, state.nextOffset) };
}

async function* forwards(
  parts: ReaderParts,
  { range, follow, signal }: {
    readonly range: Range;
    readonly follow: boolean;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<BatchView, void, undefined> {
  const { stream, tip } = parts;
  let position = range.from;
  if (position >= range.until) return;
  const start = position < tip.state.nextOffset
    ? await findOffset(stream, tip, position)
    : undefined;
  const from = start === undefined ? tip.sequence + 1 : start.sequence - start.head.pieces + 1;
  const messages = messagesFrom(parts, { from, start, follow, signal });
  for await (const message of wholeMessages(stream, messages, from)) {
    const { baseOffset, state: { nextOffset } } = message.head;
    if (baseOffset > position) throw await missing(stream, position);
    if (message.head.gap === "lost" && nextOffset > position) {
      throw lostRange(stream.what, position, { start: baseOffset, end: nextOffset });
    }
    for (const batch of message.batches()) {
      if (batch.nextOffset <= position) continue;
      if (batch.baseOffset >= range.until) return;
      yield batch;
      position = batch.nextOffset;
    }
    position = Math.max(position, nextOffset);
    if (position >= range.until) return;
  }
  if (!signal.aborted) throw await missing(stream, position); // a truncation took the rest
}

/**
 * Messages in order: the first ones, of which the last was found already, and then all others, when
 * they are asked for. Who wants a single record never asks.
 */
async function* messagesFrom(
  { stream, tip, connection }: ReaderParts,
  { from, start, follow, signal }: {
    readonly from: number;
    readonly start: StoredMessage | undefined;
    readonly follow: boolean;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<StoredMessage, void, undefined> {
  let next = from;
  if (start !== undefined) {
    yield* nearMessages(stream, from, start.sequence);
    next = start.sequence + 1;
  }
  if (!follow && tip.sequence - next < NEAR_MESSAGES) {
    yield* nearMessages(stream, next, tip.sequence);
  } else {
    const { names, what } = stream;
    yield* messageFeed(connection, { stream: names.stream, what, from: next, signal });
  }
}

async function* backwards(
  stream: PartitionStream,
  { tip, range, signal }: {
    readonly tip: Tip;
    readonly range: Range;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<BatchView, void, undefined> {
  let position = range.until;
  let near: number | undefined;
  while (position > range.from && !signal.aborted) {
    const message = await stream.whole(await covering(stream, tip, { offset: position - 1, near }));
    const { baseOffset, state: { nextOffset } } = message.head;
    if (message.head.gap === "lost") {
      throw lostRange(stream.what, position - 1, { start: baseOffset, end: nextOffset });
    }
    for (const batch of message.batches().toReversed()) {
      if (batch.baseOffset >= position) continue;
      if (batch.nextOffset <= range.from) return;
      yield batch;
      position = batch.baseOffset;
    }
    position = Math.min(position, baseOffset);
    near = message.firstSequence - 1;
  }
}

/** The message that covers an offset. @param near the sequence that it has, as good as certainly */
async function covering(
  stream: PartitionStream,
  tip: Tip,
  { offset, near }: { readonly offset: number; readonly near: number | undefined },
): Promise<StoredMessage> {
  const message = near === undefined ? undefined : await stream.at(near);
  const isIt = message !== undefined && message.head.baseOffset <= offset &&
    offset < message.head.state.nextOffset;
  return isIt ? message : await findOffset(stream, tip, offset);
}

/** Single messages in order, some of them asked for ahead. */
async function* nearMessages(
  stream: PartitionStream,
  from: number,
  to: number,
): AsyncGenerator<StoredMessage, void, undefined> {
  const asked: Promise<StoredMessage | undefined>[] = [];
  for (let sequence = from; sequence <= to || asked.length > 0;) {
    while (asked.length < MESSAGES_AT_ONCE && sequence <= to) {
      const message = stream.at(sequence++);
      message.catch(() => {}); // told when it is its turn
      asked.push(message);
    }
    const message = await asked.shift();
    if (message !== undefined) yield message;
  }
}

/** Puts pieces together, and passes over those whose end never came. */
async function* wholeMessages(
  stream: PartitionStream,
  messages: AsyncIterable<StoredMessage>,
  from: number,
): AsyncGenerator<WholeMessage, void, undefined> {
  let pieces: StoredMessage[] = [];
  let expected = from;
  for await (const message of messages) {
    stream.waypoints.add(message);
    if (message.sequence !== expected) pieces = []; // a truncation was there
    expected = message.sequence + 1;
    stream.noteTip(tipAt(message));
    if (message.head.isPiece) {
      pieces.push(message);
      continue;
    }
    const own = message.head.pieces - 1;
    if (own > pieces.length) throw await missing(stream, message.head.baseOffset);
    yield wholeMessage(stream.what, message, own === 0 ? [] : pieces.slice(-own));
    pieces = [];
  }
}
