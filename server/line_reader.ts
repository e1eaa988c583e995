/**
 * The lines of a streamed body, some at a time, never the whole body.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import type { BodyBudget } from "./body_budget.ts";
import type { SeglogError } from "../core/base/errors.ts";
import { bodyTooLarge, inTime } from "./request_body.ts";

/** What a streamed body may take. */
export interface LineLimits {
  /** Longest line. */
  readonly lineBytesMax: number;
  /** Longest silence. */
  readonly silenceMs: number;
  /** After this much silence the reader says so with no lines. */
  readonly lingerMs: number;
  /** Where the bytes of an unfinished line are counted. */
  readonly budget: BodyBudget;
  /** Ends the reading: a stream may go on for ever, and a server has to stop. */
  readonly ending: AbortSignal;
  /** Why it was ended. */
  readonly endedBy: () => SeglogError;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Lines without their ends, in the order in which they come, as views that stay valid. No lines:
 * nothing came for a while. A last line without an end counts, but not one that was cut off by a
 * lost connection: then reading fails.
 *
 * @throws {SeglogError} `too-large` for a line, `overloaded`, `request-timeout`, `endedBy`,
 * `invalid-argument` when the connection is lost
 */
export async function* readLines(
  body: ReadableStream<Uint8Array>,
  limits: LineLimits,
): AsyncGenerator<Uint8Array[], void, undefined> {
  const reader = body.getReader();
  const unfinished = new ByteWriter();
  let counted = 0;
  try {
    for (;;) {
      const reading = inTime(reader.read(), limits.silenceMs);
      if (!(await settlesSoon(reading, limits.lingerMs))) yield [];
      const { done, value } = await unlessEnded(reading, limits);
      if (done) break;
      const { lines, rest } = splitLines(value);
      if (lines.length > 0) {
        lines[0] = joined(unfinished, lines[0]!);
        limits.budget.give(counted);
        counted = 0;
      }
      limits.budget.take(rest.length);
      counted += rest.length;
      unfinished.bytes(rest);
      const tooLong = lines.findIndex(({ length }) => length > limits.lineBytesMax);
      const whole = tooLong < 0 ? lines : lines.slice(0, tooLong);
      if (whole.length > 0) yield whole.map(trimReturn);
      if (tooLong >= 0 || unfinished.length > limits.lineBytesMax) {
        throw bodyTooLarge(limits.lineBytesMax, "a line");
      }
    }
    if (unfinished.length > 0) yield [trimReturn(taken(unfinished))];
  } finally {
    limits.budget.give(counted);
    reader.cancel().catch(() => {});
  }
}

function splitLines(bytes: Uint8Array): { lines: Uint8Array[]; rest: Uint8Array } {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { lines, rest: bytes.subarray(start) };
}

function joined(unfinished: ByteWriter, end: Uint8Array): Uint8Array {
  if (unfinished.length === 0) return end;
  unfinished.bytes(end);
  return taken(unfinished);
}

function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.take();
  writer.shrink(1024);
  return bytes;
}

function trimReturn(line: Uint8Array): Uint8Array {
  return line[line.length - 1] === RETURN ? line.subarray(0, -1) : line;
}

function unlessEnded<Result>(
  reading: Promise<Result>,
  { ending, endedBy }: LineLimits,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = () => reject(endedBy());
    if (ending.aborted) end();
    ending.addEventListener("abort", end, { once: true });
    reading.then(resolve, reject).finally(() => ending.removeEventListener("abort", end));
  });
}

/** Whether `promise` settles within `ms`; it settles in any case, and is not used up by this. */
function settlesSoon(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    const settled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
