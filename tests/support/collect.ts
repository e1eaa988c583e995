/** What tests ask of records and iterables again and again. */
import assert from "node:assert/strict";
import { type ErrorCode, type LogRecord, SeglogError } from "../../mod.ts";

/** All items of an iterable. */
export async function collect<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** The first `count` items of an iterable, which is then ended. */
export async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

/** Offsets and texts of records: `["0:a", "1:b"]`. */
export async function shown(records: AsyncIterable<LogRecord>): Promise<string[]> {
  return (await collect(records)).map((record) => `${record.offset}:${record.text}`);
}

/** Expects a `SeglogError` with this code, and returns it. */
export async function rejectsWith(
  code: ErrorCode,
  run: () => Promise<unknown>,
): Promise<SeglogError> {
  try {
    await run();
  } catch (error) {
    assert.ok(error instanceof SeglogError, `expected a SeglogError, got ${error}`);
    assert.equal(error.code, code, error.message);
    return error;
  }
  assert.fail(`expected the error ${code}, and there was none`);
}
