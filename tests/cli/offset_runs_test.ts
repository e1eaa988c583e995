import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOffsets, OffsetRuns } from "../../cli/append/offset_runs.ts";

const place = { topic: "orders", durable: true };

function runs(namesPartition: boolean): { runs: OffsetRuns; lines: string[] } {
  const lines: string[] = [];
  const line = (text: string) => {
    lines.push(text);
    return Promise.resolve();
  };
  return { runs: new OffsetRuns({ namesPartition, line }), lines };
}

test("one record is an offset, several are a half-open range", () => {
  assert.equal(formatOffsets({ start: 41, end: 42 }), "41");
  assert.equal(formatOffsets({ start: 41, end: 44 }), "41..44");
});

test("batches that join are one run", async () => {
  const { runs: one, lines } = runs(false);
  await one.add({ ...place, partition: 0, start: 3, end: 5 });
  await one.add({ ...place, partition: 0, start: 5, end: 9 });
  assert.deepEqual(lines, []);
  await one.finish();
  assert.deepEqual(lines, ["3..9"]);
});

test("a run ends where somebody else has appended", async () => {
  const { runs: two, lines } = runs(false);
  await two.add({ ...place, partition: 0, start: 3, end: 5 });
  await two.add({ ...place, partition: 0, start: 6, end: 7 });
  assert.deepEqual(lines, ["3..5"]);
  await two.finish();
  assert.deepEqual(lines, ["3..5", "6"]);
});

test("each partition has its own runs, named and sorted", async () => {
  const { runs: spread, lines } = runs(true);
  await spread.add({ ...place, partition: 2, start: 0, end: 2 });
  await spread.add({ ...place, partition: 1, start: 7, end: 8 });
  await spread.add({ ...place, partition: 2, start: 2, end: 3 });
  assert.equal(String(spread), "2 0..3, 1 7");
  await spread.finish();
  assert.deepEqual(lines, ["1 7", "2 0..3"]);
});
