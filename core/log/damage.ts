/**
 * What a reader is told where bytes of a log cannot be believed: which offsets are lost to it, and
 * where it can go on.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { BatchView } from "../format/batch.ts";
import { type OpenGap, untilGap } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";
import type { LogView } from "./view.ts";

/** A place in a segment that cannot be believed, with the offsets that should be there. */
export interface OpenDamage extends OpenGap {
  /** Where it begins in the file. */
  readonly position: number;
  /** What is wrong there. */
  readonly complaint: string;
}

/** One whose end is known. It has no offsets when bytes are there that hold nothing. */
export interface Damage extends OpenDamage {
  readonly end: number;
}

/** The offsets of a range whose records were not removed: none when `start >= end`. */
export function presentOffsets(
  view: Pick<LogView, "logStartOffset" | "nextOffset" | "gaps">,
  range: { readonly start: number; readonly end: number },
): { start: number; end: number } {
  const start = Math.max(range.start, view.logStartOffset);
  const isRemoved = view.gaps.some((gap) => gap.start <= start && start < gap.end);
  if (isRemoved) return { start, end: start }; // a gap goes on to the end of its segment
  const end = Math.min(range.end, view.nextOffset, untilGap(view.gaps, start));
  return { start, end };
}

/** The error for damage, naming its offsets `[start, end)`: reading can go on at `end`. */
export function damageError(view: LogView, path: string, damage: Damage): SeglogError {
  const { position, complaint } = damage;
  const { start, end } = presentOffsets(view, damage);
  const place = position === 0 ? path : `position ${position} of ${path}`;
  return new SeglogError(
    "corrupt",
    `Cannot read ${view.name} at offsets ${start} to ${
      end - 1
    }: ${complaint} (${place}); reading can go on at offset ${end}`,
    { details: { start, end, path, position } },
  );
}

/** The damage of a batch whose header is believed. */
export function damagedPayload(batch: BatchView, position: number): Damage {
  const { baseOffset: start, nextOffset: end } = batch;
  return { start, end, position, complaint: "payload checksum does not match" };
}

/** The damage of a segment that cannot be opened: all of its offsets. */
export function damagedSegment(segment: ReadableSegment, cause: SeglogError): Damage {
  const { baseOffset: start, nextOffset: end } = segment;
  return { start, end, position: 0, complaint: String(cause.details.complaint) };
}

/** Whether an error says that stored bytes cannot be believed. */
export function isCorrupt(error: unknown): error is SeglogError {
  return error instanceof SeglogError && error.code === "corrupt";
}
