/**
 * The bytes on disk, read by a program that shares nothing with seglog but the format's page:
 * `read_segment.py`, Python 3 with its standard library.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Codec, json, partitionOf, readRecords, type RecordInput, Store } from "../../mod.ts";
import { partitionFolderName, segmentFileName } from "../../core/format/file_names.ts";
import { type FlatRecord, flatten, parseFlatRecords } from "../golden/flat_record.ts";
import { GOLDEN_SEGMENTS } from "../golden/golden_segments.ts";
import { contentFileName, GOLDEN_STORES, type GoldenPartition } from "../golden/golden_stores.ts";
import { collect } from "../support/collect.ts";
import { storedBatch } from "../support/stored_batch.ts";
import { tempDir } from "../support/temp_dir.ts";

const READER = fileURLToPath(new URL("./read_segment.py", import.meta.url));
const GOLDEN = fileURLToPath(new URL("../golden/v1/", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const skip = hasPython ? false : "python3 is not on PATH";
const hasZstd = ["compression.zstd", "zstandard"].some((module) =>
  spawnSync("python3", ["-c", `import ${module}`]).status === 0
);
const EXIT_DAMAGED = 5;

const EVERY_KIND: RecordInput[] = [
  { key: "u1", value: "hello" },
  { key: "🛒", value: "Ünïcödé 😀", headers: { trace: "a1", empty: "", "ключ": "значение" } },
  { key: "nul", value: Uint8Array.of(0, 1, 0, 255, 0) },
  { key: Uint8Array.of(0xff, 0), value: "a\0b" },
  { value: "" },
  { value: new Uint8Array(0) },
  { key: "", value: null },
  { key: "big", value: '{"id":9223372036854775807,"neg":-9223372036854775808}', type: "json" },
  { key: "nested", ...json({ a: [{ b: { c: [null, true, 1.5] } }] }) },
  { value: "old", timestamp: 0 },
  { value: "x".repeat(70_000) },
];

for (const compression of ["none", "gzip"] as const) {
  test(`an independent reader sees what was appended, compression ${compression}`, {
    skip,
  }, async () => {
    await using dir = tempDir();
    const expected = await writeTopic(dir.path, compression);
    for (const [partition, records] of expected.entries()) {
      const { status, lines } = readBy(join(dir.path, `every%20kind-${partition}`));
      assert.equal(status, 0);
      assert.deepEqual(lines, records);
      EVERY_KIND.forEach((input, i) => {
        const { key, value, headers } = lines[i]!;
        assert.deepEqual([key, value], [base64(input.key), base64(input.value)]);
        assert.deepEqual(headers, input.headers ?? {});
      });
    }
  });
}

test("an independent reader passes over what compaction removed", { skip }, async () => {
  await using dir = tempDir();
  const store = await Store.open(dir.path);
  await store.ensureTopic("compacted", { segmentBytes: 4096, compaction: "keys" });
  for (let i = 0; i < 200; i++) {
    await store.append("compacted", [{ key: `k${i % 7}`, value: `${i}${"v".repeat(300)}` }, {
      key: `once${i}`,
      value: i % 3 ? null : "",
    }]);
    if (i % 60 === 59) await store.compact("compacted");
  }
  const expected = (await collect(readRecords(store, "compacted"))).map(flatten);
  await store.close();
  assert.ok(expected.length < 300, `${expected.length} of 400 records stay`);
  const folder = join(dir.path, "compacted-0");
  assert.ok(fs.readdirSync(folder).some((name) => /\.2\.log$/.test(name)), "a second generation");
  const { status, lines } = readBy(folder);
  assert.equal(status, 0);
  assert.deepEqual(lines, expected);
});

test("an independent reader follows the manifest over rolled segments and truncations", {
  skip,
}, async () => {
  await using dir = tempDir();
  const store = await Store.open(dir.path);
  await store.ensureTopic("rolled", { segmentBytes: 4096 });
  for (let i = 0; i < 60; i++) {
    await store.append("rolled", [{ key: `k${i}`, value: "v".repeat(300) }, { value: `${i}` }]);
  }
  await store.truncate("rolled", { before: 33 });
  await store.truncate("rolled", { after: 90 });
  await store.append("rolled", [{ value: "after the gap" }]);
  const expected = (await collect(readRecords(store, "rolled"))).map(flatten);
  await store.close();
  assert.deepEqual([expected[0]!.offset, expected.at(-1)!.offset], [33, 120]);
  const { status, lines } = readBy(join(dir.path, "rolled-0"));
  assert.equal(status, 0);
  assert.deepEqual(lines, expected);
});

test("an independent reader reads a copy with the batches and the gaps of a compacted source", {
  skip,
}, async () => {
  await using dir = tempDir();
  await using source = await Store.memory({ defaults: { segmentBytes: 4096 } });
  for (let i = 0; i < 120; i++) {
    await source.append("t", [{ key: `k${i % 7}`, value: `${i}${"v".repeat(300)}` }]);
  }
  await source.compact("t");
  await source.append("t", [{ value: "after it" }]);
  const copy = await Store.open(dir.path, { follows: { source: "memory" } });
  const target = copy.mirrorTarget!;
  for (const info of await source.listTopics()) await target.adopt(info);
  const mirror = await target.openMirror("t", 0);
  for await (const batch of source.batches("t")) {
    await mirror.skipTo(batch.baseOffset, "removed");
    await mirror.append(batch);
  }
  await mirror.skipTo(200, "removed");
  await mirror.append(storedBatch(200, ["after a gap"]));
  const expected = (await collect(readRecords(copy, "t"))).map(flatten);
  await copy.close();
  assert.deepEqual(expected.at(-1)!.offset, 200);
  assert.ok(expected.length < 20, `${expected.length} records stay`);
  const { status, lines } = readBy(join(dir.path, "t-0"));
  assert.equal(status, 0);
  assert.deepEqual(lines, expected);
});

test("an independent reader tells a torn tail from damage, and reads around it", {
  skip,
}, async () => {
  await using dir = tempDir();
  const store = await Store.open(dir.path);
  const positions: number[] = [];
  const segment = join(dir.path, "t-0", segmentFileName({ baseOffset: 0 }));
  for (const value of ["first", "second", "third"]) {
    await store.append("t", [{ value }]);
    positions.push(fs.statSync(segment).size);
  }
  const whole = fs.readFileSync(segment);
  await store.close();

  fs.writeFileSync(join(dir.path, "torn.log"), whole.subarray(0, -9));
  const torn = readBy(join(dir.path, "torn.log"));
  assert.equal(torn.status, 0);
  assert.deepEqual(offsetsOf(torn.lines), [0, 1, "torn from 2"]);

  const damaged = Uint8Array.from(whole);
  damaged[positions[0]! + 70]! ^= 1; // in the payload of "second"
  fs.writeFileSync(join(dir.path, "damaged.log"), damaged);
  const read = readBy(join(dir.path, "damaged.log"));
  assert.equal(read.status, EXIT_DAMAGED);
  assert.deepEqual(offsetsOf(read.lines), [0, "damage from 1", 2]);
});

for (const { name } of GOLDEN_SEGMENTS) {
  const isZstd = name === "zstd";
  test(`an independent reader reads the golden segment "${name}"`, {
    skip: skip || (isZstd && !hasZstd ? "this Python has no zstd" : false),
  }, () => {
    const { status, lines } = readBy(join(GOLDEN, `${name}.log`));
    assert.equal(status, 0);
    const expected = fs.readFileSync(join(GOLDEN, `${name}.ndjson`), "utf8");
    assert.deepEqual(lines, parseFlatRecords(expected));
  });
}

for (const name of GOLDEN_STORES) {
  test(`an independent reader reads the golden store "${name}"`, { skip }, () => {
    const content: GoldenPartition[] = JSON.parse(
      fs.readFileSync(join(GOLDEN, contentFileName(name)), "utf8"),
    );
    for (const { topic, partition, records } of content) {
      const folder = join(GOLDEN, name, partitionFolderName(topic, partition));
      const { status, lines } = readBy(folder);
      assert.equal(status, 0);
      assert.deepEqual(lines.filter((line) => "offset" in line), records);
      const isTorn = name === "store-crashed" && topic === "orders";
      assert.equal(lines.length, records.length + (isTorn ? 1 : 0));
    }
  });
}

/** Appends every kind of record to a topic of three partitions, and says what is in each. */
async function writeTopic(dir: string, compression: Codec): Promise<FlatRecord[][]> {
  await using store = await Store.open(dir);
  await store.ensureTopic("every kind", { partitions: 3, compression });
  for (let partition = 0; partition < 3; partition++) {
    await store.append("every kind", EVERY_KIND, {
      partition,
      producer: { id: "p-🏭", epoch: 1, sequence: partition },
    });
  }
  for (let i = 0; i < 20; i++) {
    const { partition } = await store.append("every kind", [{ key: `k${i}`, value: "by key" }]);
    assert.equal(partition, partitionOf(`k${i}`, 3));
  }
  const partitions: FlatRecord[][] = [];
  for (let partition = 0; partition < 3; partition++) {
    const records = await collect(readRecords(store, "every kind", { partition }));
    partitions.push(records.map(flatten));
  }
  return partitions;
}

function base64(content: string | Uint8Array | null | undefined): string | null {
  return content === null || content === undefined
    ? null
    : Buffer.from(content as string).toString("base64");
}

function readBy(path: string): { status: number | null; lines: FlatRecord[] } {
  const { status, stdout, stderr } = spawnSync("python3", [READER, path], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { PYTHONIOENCODING: "utf-8", PATH: process.env.PATH },
  });
  assert.equal(stderr, "");
  return { status, lines: parseFlatRecords(stdout) };
}

function offsetsOf(lines: unknown[]): (number | string)[] {
  return (lines as { offset?: number; torn?: boolean; start?: number }[]).map((line) =>
    line.offset ?? `${line.torn ? "torn" : "damage"} from ${line.start}`
  );
}
