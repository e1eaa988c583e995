/**
 * What is said of offsets that cannot be read, in one wording everywhere.
 *
 * @module
 */
import { SeglogError } from "./errors.ts";

/** The offsets `[logStartOffset, nextOffset)` that can be read. */
export interface ReadableRange {
  readonly logStartOffset: number;
  readonly nextOffset: number;
}

/**
 * Refuses an offset that cannot be read.
 *
 * @param what names the log in the message
 * @throws {SeglogError} `offset-out-of-range`, with the bounds in its details
 */
export function checkOffset(
  what: string,
  offset: number,
  bounds: ReadableRange,
): void {
  const { logStartOffset, nextOffset } = bounds;
  const isInside = offset >= logStartOffset && offset < nextOffset;
  if (isInside && Number.isSafeInteger(offset)) return;
  throw outOfRange(what, offset, bounds);
}

/** The error for an offset outside `[logStartOffset, nextOffset)`. */
export function outOfRange(
  what: string,
  offset: number,
  bounds: ReadableRange,
): SeglogError {
  const { logStartOffset, nextOffset } = bounds;
  const state = offset < logStartOffset
    ? `the first readable offset is ${logStartOffset}`
    : `the next record will get offset ${nextOffset}`;
  return new SeglogError(
    "offset-out-of-range",
    `Cannot read ${what} at offset ${offset}: ${state}`,
    {
      details: { offset, logStartOffset, nextOffset },
    },
  );
}

/**
 * Where reading can go on that a truncation has overtaken, by what it ended with: the first readable
 * offset; `undefined` for any other error.
 */
export function overtakenTo(error: unknown): number | undefined {
  if (!(error instanceof SeglogError) || error.code !== "offset-out-of-range") return undefined;
  const { offset, logStartOffset } = error.details;
  const isBefore = typeof offset === "number" && typeof logStartOffset === "number" &&
    offset < logStartOffset;
  return isBefore ? logStartOffset : undefined;
}

/** The error for an offset whose record was truncated or compacted away. */
export function absent(what: string, offset: number): SeglogError {
  return new SeglogError(
    "not-found",
    `Cannot read ${what} at offset ${offset}: its record was removed`,
    { details: { offset } },
  );
}

/** The error for an offset in a range that a repair gave up. Its details say where to go on. */
export function lostRange(
  what: string,
  offset: number,
  range: { readonly start: number; readonly end: number },
): SeglogError {
  const { start, end } = range;
  const lost = end === start + 1
    ? `offset ${start} was lost`
    : `offsets ${start} to ${end - 1} were lost`;
  return new SeglogError(
    "lost",
    `Cannot read ${what} at offset ${offset}: ${lost}, and given up by a repair; ` +
      `read on from ${end}, or back from ${start}`,
    { details: { start, end } },
  );
}
