import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { makeAccessLog } from "../../bench/access_log.ts";
import { bareFile } from "../../bench/embedded/bare_file.ts";
import { coalesced } from "../../bench/embedded/coalesced.ts";
import { seglog } from "../../bench/embedded/seglog.ts";
import type { EmbeddedSystem, OpenOptions } from "../../bench/embedded/store.ts";
import { callAll } from "../../bench/callers.ts";
import { readOutcome } from "../../bench/outcome.ts";
import { readResults, writeResults } from "../../bench/results.ts";
import { batchesOf, makeValues, randomPlaces, VALUE_BYTES } from "../../bench/values.ts";
import { workloadNamed, WORKLOADS } from "../../bench/workloads/all.ts";
import { findNats } from "../../scripts/find_nats.ts";
import { tempDir } from "../support/temp_dir.ts";
import { SAMPLE } from "./sample_results.ts";

test("values are distinct printable text, and the same each time", () => {
  const values = makeValues(1000);
  const texts = values.map((value) => new TextDecoder().decode(value));
  assert.equal(new Set(texts).size, 1000);
  for (const text of texts) assert.match(text, new RegExp(`^[0-o]{${VALUE_BYTES}}$`));
  assert.deepEqual(makeValues(1000), values);
  assert.deepEqual(batchesOf(values, 300).map((batch) => batch.length), [300, 300, 300]);
});

test("places are spread over all records", () => {
  const places = randomPlaces(10_000, 100)();
  assert.equal(new Set(places).size, 100);
  assert.ok(places.every((place) => place < 100));
});

test("an access log is lines of JSON, in the order of their times", () => {
  const lines = makeAccessLog(1000).map((line) => JSON.parse(new TextDecoder().decode(line)));
  const times = lines.map(({ time }) => time);
  assert.deepEqual(times, times.toSorted());
  assert.ok(lines.every(({ path, status }) => path.startsWith("/api/") && status >= 200));
});

test("every workload that compares measures seglog, and all have a case in both sizes", () => {
  assert.equal(new Set(WORKLOADS.map(({ name }) => name)).size, WORKLOADS.length);
  for (const workload of WORKLOADS) {
    const isCompared = workload.figures.some((figure) => figure.isCompared);
    if (isCompared) assert.equal(workload.systems[0], "seglog", workload.name);
    assert.ok(workload.figures.length > 0, workload.name);
    for (const size of ["short", "full"] as const) {
      const names = workload.cases(size).map(({ name }) => name);
      assert.ok(names.length > 0, workload.name);
      assert.equal(new Set(names).size, names.length, workload.name);
    }
  }
  assert.equal(workloadNamed("W1"), WORKLOADS[0]);
  assert.throws(() => workloadNamed("W99"), /There is no workload "W99": there are W1, W2, /);
});

const ADAPTERS: readonly [string, EmbeddedSystem, OpenOptions][] = [
  ["seglog", seglog("none"), { promised: "buffered" }],
  ["seglog, durable and compressed", seglog("zstd"), { promised: "durable" }],
  ["seglog with topics", seglog("none"), { promised: "buffered", topics: 3 }],
  ["the bare file", bareFile, { promised: "durable" }],
  ["gathered appends", coalesced(bareFile), { promised: "buffered" }],
];

for (const [name, system, options] of ADAPTERS) {
  test(`${name}: what was appended is counted, scanned and read, also after it was closed`, async () => {
    await using folder = tempDir();
    const batches = batchesOf(makeValues(6000), 1000);
    const store = await system.open(folder.path, options);
    assert.equal(store.count, 0);
    await Promise.all(batches.map((values) => store.append(store.prepare(values))));
    assert.equal(await store.scan(), 6000);
    await store.close();
    const again = await system.open(folder.path, options);
    assert.equal(again.count, 6000);
    await again.readEach(Uint32Array.of(0, 999, 1000, 3500, 5999));
    assert.equal(await again.scan(), 6000);
    await again.close();
  });
}

test("a small run of W1 and W5 gives their figures", async () => {
  for (const [name, key] of [["W1", "recordsPerSecond"], ["W5", "readsPerSecond"]] as const) {
    await using folder = tempDir();
    const { run } = workloadNamed(name);
    const params = { records: 1000, batch: 100, seconds: 0.01 };
    const figures = await run({ system: "seglog", params, folder: folder.path });
    assert.ok(figures[key]! > 0, `${name}: ${JSON.stringify(figures)}`);
  }
});

test("callers call again when they have their answer, and each call has a number", async () => {
  const seen: number[] = [];
  let [calling, most] = [0, 0];
  const called = await callAll(async (i) => {
    seen.push(i);
    most = Math.max(most, ++calling);
    await nextTurn();
    calling--;
  }, { callers: 3, seconds: 0.02 });
  assert.equal(most, 3);
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(called.perSecond > 0 && called.p50Ms <= called.p99Ms, JSON.stringify(called));
});

const nats = await findNats();

for (const system of workloadNamed("J2").systems) {
  const withNats = { skip: system !== "seglog" && typeof nats === "string" ? nats : false };
  test(`a small run of J2 gives its figures: ${system}`, withNats, async () => {
    await using folder = tempDir();
    const { run, figures } = workloadNamed("J2");
    const params = { records: 11_000, seconds: 0.01 };
    const found = await run({ system, params, folder: folder.path });
    for (const { key } of figures) assert.ok(found[key]! > 0, `${key}: ${JSON.stringify(found)}`);
  });
}

test("the outcome of a run is the last line that it printed, or how it ended", () => {
  const outcome = (status: number, stdout: string) => readOutcome({ status, stdout, stderr: "no" });
  assert.deepEqual(outcome(0, 'noise\n{"figures":{"rate":1}}\n'), { figures: { rate: 1 } });
  assert.deepEqual(outcome(0, '{"missing":"not installed"}\n'), { missing: "not installed" });
  assert.deepEqual(outcome(1, '{"figures":{}}\n'), { missing: "ended with 1", complaint: "no" });
  assert.deepEqual(outcome(0, ""), { missing: "ended with 0", complaint: "no" });
  const stderr = "so far\nkilled after 300 s\n";
  assert.equal(readOutcome({ status: 128, stdout: "", stderr }).missing, "took more than 300 s");
});

test("results are kept by workload and runtime, the latest of each", async () => {
  await using folder = tempDir();
  const path = join(folder.path, "results");
  assert.deepEqual(readResults(path), []);
  writeResults(path, { ...SAMPLE, rounds: 1 });
  writeResults(path, SAMPLE);
  writeResults(path, { ...SAMPLE, runtime: "bun" });
  assert.deepEqual(fs.readdirSync(path).toSorted(), ["W1-bun.json", "W1-deno.json"]);
  assert.deepEqual(readResults(path), [{ ...SAMPLE, runtime: "bun" }, SAMPLE]);
});
