/**
 * The state of a log, as every message of its stream carries it in a header: whoever has read one
 * message knows the log as it was behind it, and whoever has read the last one knows the log.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { list, members, type Shape, text, whole } from "../core/base/shape.ts";
import type { ProducerState } from "../core/format/producer_state.ts";
import type { GapReason } from "../core/mirror_contract.ts";

/** A log behind some message of its stream. */
export interface LogState {
  /** The offset that the next record gets. */
  readonly nextOffset: number;
  /** First offset that can be read. */
  readonly logStartOffset: number;
  /** Largest timestamp of all records so far, those that are gone included. */
  readonly maxTimestampMs: number;
  /** Records so far, those that are gone included. */
  readonly records: number;
  /** Bytes of their batches so far, likewise. */
  readonly bytes: number;
  /** Below it, records may be gone that later ones with the same key replaced. */
  readonly compactedTo: number;
}

/** What a message says of itself and of the log. */
export interface MessageHead {
  /** The log's next offset before the message. */
  readonly baseOffset: number;
  /** The log behind it. */
  readonly state: LogState;
  /** Messages that its content is cut into, of which it is the last: 1 for nearly all. */
  readonly pieces: number;
  /** Whether it is an earlier one of such, which by itself changes nothing. */
  readonly isPiece: boolean;
  /** Why its offsets hold no records, where it brings none. */
  readonly gap?: GapReason;
}

/** A log to which nothing was appended yet. */
export const EMPTY_STATE: LogState = {
  nextOffset: 0,
  logStartOffset: 0,
  maxTimestampMs: 0,
  records: 0,
  bytes: 0,
  compactedTo: 0,
};

/** The header with a {@linkcode MessageHead}. */
export const HEAD_HEADER = "Seglog-Log";
/** The header with a {@linkcode ProducerState}. */
export const PRODUCER_HEADER = "Seglog-Producer";
/** The header with the message's id. */
export const ID_HEADER = "Nats-Msg-Id";

const VERSION = 1;
const HEAD: Shape = members({
  base: whole(0),
  next: whole(0),
  start: whole(0),
  time: whole(0),
  records: whole(0),
  bytes: whole(0),
  compacted: whole(0),
  pieces: whole(0),
});
const RANGE = members({ sequence: whole(0), start: whole(0), end: whole(0) });
const PRODUCER: Shape = members({ id: text(/./s), epoch: whole(0), recent: list(RANGE) });

/** A head as the text of a header. */
export function encodeHead({ baseOffset, state, pieces, isPiece, gap }: MessageHead): string {
  return JSON.stringify({
    v: VERSION,
    base: baseOffset,
    next: state.nextOffset,
    start: state.logStartOffset,
    time: state.maxTimestampMs,
    records: state.records,
    bytes: state.bytes,
    compacted: state.compactedTo,
    pieces: isPiece ? 0 : pieces,
    ...gap === undefined ? {} : { gap },
  });
}

/**
 * Reads a head.
 *
 * @param where names the message in errors
 * @throws {SeglogError} `corrupt` when it is none; `unsupported` when a later version wrote it
 */
export function decodeHead(header: string, where: string): MessageHead {
  const found = parsed(header);
  if (typeof found?.v === "number" && found.v > VERSION) {
    throw new SeglogError(
      "unsupported",
      `Cannot read ${where}: a later version of seglog wrote it; use that version`,
    );
  }
  const complaint = HEAD(found, "its state");
  if (complaint !== undefined) throw corruptMessage(where, complaint);
  const head = found as Record<string, number>;
  const { gap } = found as { gap?: unknown };
  if (gap !== undefined && gap !== "removed" && gap !== "lost") {
    throw corruptMessage(where, "its gap is none");
  }
  return {
    baseOffset: head.base!,
    state: {
      nextOffset: head.next!,
      logStartOffset: head.start!,
      maxTimestampMs: head.time!,
      records: head.records!,
      bytes: head.bytes!,
      compactedTo: head.compacted!,
    },
    pieces: Math.max(1, head.pieces!),
    isPiece: head.pieces === 0,
    ...gap === undefined ? {} : { gap },
  };
}

/** A producer as the text of a header: JSON, and ASCII alone. */
export function encodeProducerState(state: ProducerState): string {
  return JSON.stringify(state).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Reads a producer. @throws {SeglogError} `corrupt` */
export function decodeProducerState(header: string, where: string): ProducerState {
  const found = parsed(header);
  const complaint = PRODUCER(found, "its producer");
  if (complaint !== undefined) throw corruptMessage(where, complaint);
  return found as unknown as ProducerState;
}

/** The error for a message that nobody can have written who knows how. */
export function corruptMessage(where: string, why: string, cause?: unknown): SeglogError {
  return new SeglogError("corrupt", `Cannot read ${where}: ${why}`, { cause });
}

function parsed(header: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(header);
  } catch {
    return undefined;
  }
}
