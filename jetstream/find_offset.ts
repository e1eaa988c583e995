/**
 * From an offset to the message that has it. Sequences count messages and offsets count records, so
 * one does not follow from the other; but every message tells the offsets that it covers.
 *
 * Interpolation search (Perl, Itai, Avni, 1978), with a halving after each step that misled, so that
 * it never takes more than twice as long as a binary one.
 *
 * @module
 */
import { outOfRange } from "../core/base/offset_errors.ts";
import type { LogState } from "./log_state.ts";
import type { PartitionStream, Tip } from "./partition_stream.ts";
import type { StoredMessage } from "./stored_message.ts";

/** Where to look: messages `[start, end]`, and the offsets at which they begin and end. */
interface Window {
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

/**
 * The message that covers an offset, records or a gap: the last one where it has pieces.
 *
 * @param offset of the log, `logStartOffset` to `nextOffset - 1` of the tip
 * @throws {SeglogError} `offset-out-of-range` when a truncation was faster; `corrupt` when it should
 * be there
 */
export async function findOffset(
  stream: PartitionStream,
  tip: Tip,
  offset: number,
): Promise<StoredMessage> {
  let window = await narrowest(stream, tip, offset);
  for (let isGuess = true; window.start <= window.end; isGuess = !isGuess) {
    if (offset < window.baseOffset) break;
    const sequence = isGuess ? guess(window, offset) : middle(window);
    const message = await stream.at(sequence);
    if (message === undefined) { // a truncation removed it meanwhile
      const later = await stream.first(sequence);
      if (later === undefined || later.head.baseOffset > offset) break;
      window = { ...window, start: later.sequence, baseOffset: later.head.baseOffset };
      continue;
    }
    const { baseOffset, state: { nextOffset } } = message.head;
    if (offset < baseOffset) window = { ...window, end: sequence - 1, nextOffset: baseOffset };
    else if (offset < nextOffset) return message;
    else window = { ...window, start: sequence + 1, baseOffset: nextOffset };
  }
  throw await missing(stream, offset);
}

/** The error for an offset whose message is not there. */
export async function missing(stream: PartitionStream, offset: number): Promise<Error> {
  const { state } = await stream.tip();
  if (offset < state.logStartOffset || offset >= state.nextOffset) {
    return outOfRange(stream.what, offset, state);
  }
  return await stream.lack(`the message with offset ${offset} is gone`);
}

/**
 * The first message that is there behind which something holds of the log, by binary search.
 *
 * @param holds once true, it stays true behind all later messages
 */
export async function findFirst(
  stream: PartitionStream,
  tip: Tip,
  holds: (state: LogState) => boolean,
): Promise<StoredMessage | undefined> {
  const first = await stream.first();
  let start = first?.sequence ?? tip.sequence + 1;
  let end = tip.sequence;
  let found: StoredMessage | undefined;
  while (start <= end) {
    const sequence = Math.floor((start + end) / 2);
    const message = await stream.at(sequence) ?? await stream.first(sequence);
    if (message === undefined) break;
    if (holds(message.head.state)) {
      found = message;
      end = sequence - 1;
    } else start = message.sequence + 1;
  }
  return found;
}

/** Where the offset can be, by what is known of other messages. */
async function narrowest(stream: PartitionStream, tip: Tip, offset: number): Promise<Window> {
  const { below, above } = stream.waypoints.around(offset);
  const end = above === undefined
    ? { end: tip.sequence, nextOffset: tip.state.nextOffset }
    : { end: above.sequence - 1, nextOffset: above.baseOffset };
  if (below !== undefined) {
    const { sequence: start, baseOffset, nextOffset } = below;
    if (offset < nextOffset) return { start, baseOffset, end: start, nextOffset };
    return { start: start + 1, baseOffset: nextOffset, ...end };
  }
  const first = await stream.first();
  if (first === undefined) throw await stream.lack("all of its messages are gone");
  return { start: first.sequence, baseOffset: first.head.baseOffset, ...end };
}

function guess({ start, end, baseOffset, nextOffset }: Window, offset: number): number {
  const part = (offset - baseOffset) / Math.max(1, nextOffset - baseOffset);
  return Math.min(end, start + Math.floor(part * (end - start + 1)));
}

function middle({ start, end }: Window): number {
  return Math.floor((start + end) / 2);
}
