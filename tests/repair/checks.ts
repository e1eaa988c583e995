/** What has to be true of a log once it is repaired. */
import assert from "node:assert/strict";
import { Log } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import type { TrickDisk } from "../support/trick_disk.ts";
import { expectedPast, FOLDER, readPast, SEGMENT_BYTES, valueAt } from "./damaged_log.ts";

/** Offsets `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Reading tells of what was lost in both directions, appending goes on, and so after reopening. */
export async function checkReads(
  disk: TrickDisk,
  { lost, next }: { lost: readonly Range[]; next: number },
): Promise<void> {
  const outside = await Log.open(FOLDER, { disk, readOnly: true });
  assert.deepEqual(await readPast(outside), expectedPast(lost, next));
  assert.deepEqual(
    await readPast(outside, { reverse: true }),
    expectedPast(lost, next).toReversed(),
  );
  for (let round = 0; round < 3; round++) {
    const log = await Log.open(FOLDER, { disk, segmentBytes: SEGMENT_BYTES });
    const end = next + 3 * round;
    assert.deepEqual(await readPast(log), expectedPast(lost, end));
    assert.equal(log.recordCount, end - lost.reduce((sum, { start, end }) => sum + end - start, 0));
    for (const { start, end } of lost) {
      const error = await rejectsWith("lost", () => log.read(end - 1));
      assert.deepEqual(error.details, { start, end });
    }
    for (let i = end; i < end + 3; i++) assert.equal(await log.append({ value: valueAt(i) }), i);
    await log.close();
  }
  assert.deepEqual(await readPast(outside), expectedPast(lost, next + 9));
  await outside.close();
}

/** Every byte that was there is there: where it was, or in quarantine. */
export function checkNothingIsGone(
  before: Map<string, Uint8Array>,
  after: Map<string, Uint8Array>,
): void {
  const isKept = (bytes: Uint8Array) =>
    [...after].some(([path, kept]) => path.includes("quarantine") && isSame(kept, bytes));
  for (const [path, bytes] of before) {
    if (!path.endsWith(".log")) continue;
    const now = after.get(path);
    if (now !== undefined && isSame(now, bytes)) continue;
    const same = now === undefined ? 0 : commonLength(now, bytes);
    const isHeader = now !== undefined && now.length === bytes.length && same < 64 &&
      isSame(now.subarray(64), bytes.subarray(64));
    if (isHeader) assert.ok(isKept(bytes.subarray(0, 64)), path);
    else if (same === now?.length) assert.ok(isKept(bytes.subarray(same)), path);
    else if (now !== undefined && same < 64) {
      assert.ok(isKept(bytes.subarray(0, 64)) && isKept(bytes.subarray(now.length)), path);
    } else assert.ok(isKept(bytes), path);
  }
}

/** `3..5` as a range. */
export function rangeOf(text: string): Range {
  const [start, end] = text.split("..").map(Number);
  return { start: start!, end: end! };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? a.length : at;
}
