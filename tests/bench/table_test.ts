import assert from "node:assert/strict";
import { test } from "node:test";
import { fillPage } from "../../bench/report.ts";
import { describeMachines, formatResults, formatTable } from "../../bench/table.ts";
import { SAMPLE } from "./sample_results.ts";

test("a table has a row for each system, with the ratio of seglog to it", () => {
  assert.equal(
    formatResults(SAMPLE),
    [
      "**Deno, 1,000 & more**",
      "",
      "|        |        records/s | seglog / it |           MiB |",
      "| ------ | ---------------: | ----------: | ------------: |",
      "| seglog | 5 M (4 M to 6 M) |             | 55 (50 to 60) |",
      "| LMDB   | 2 M (2 M to 2 M) |        2.5x | 90 (90 to 90) |",
      "| fails  |              1 M |          4x |             9 |",
      "",
      "Not measured from round 2 on: fails ended with 1.",
      "",
      "Not measured: absent not installed.",
      "",
      "Medians of 2 rounds, with least and most: `deno task bench W1`, 2026-01-15.",
    ].join("\n"),
  );
});

test("what a run measures one after the other has a table for each part", () => {
  const [rate, memory] = SAMPLE.figures;
  const figures = [{ ...rate!, part: "appended" }, { ...memory!, part: "held" }];
  const { systems } = SAMPLE.cases[0]!;
  const cases = [{ name: "small", params: {}, systems: systems.slice(0, 2) }];
  assert.deepEqual(formatResults({ ...SAMPLE, figures, cases }).split("\n").slice(0, -2), [
    "**Deno, small, appended**",
    "",
    "|        |        records/s | seglog / it |",
    "| ------ | ---------------: | ----------: |",
    "| seglog | 5 M (4 M to 6 M) |             |",
    "| LMDB   | 2 M (2 M to 2 M) |        2.5x |",
    "",
    "**Deno, small, held**",
    "",
    "|        |           MiB |",
    "| ------ | ------------: |",
    "| seglog | 55 (50 to 60) |",
    "| LMDB   | 90 (90 to 90) |",
  ]);
});

test("growth has a row for each step, compared with the first", () => {
  const step = (name: string, rate: number) => ({
    name,
    params: {},
    systems: [{ system: "seglog", samples: [{ rate, memory: 50 }] }],
  });
  const grown = { ...SAMPLE, isGrowth: true, cases: [step("1 M", 4e6), step("10 M", 3e6)] };
  assert.deepEqual(formatResults(grown).split("\n").slice(0, 6), [
    "**Deno, seglog**",
    "",
    "|      | records/s | it / first | MiB | it / first |",
    "| ---- | --------: | ---------: | --: | ---------: |",
    "| 1 M  |       4 M |            |  50 |            |",
    "| 10 M |       3 M |      0.75x |  50 |         1x |",
  ]);
});

test("each machine is told once, without its name, with all versions that were used on it", () => {
  const bun = { ...SAMPLE, versions: { Bun: "1.4.5", seglog: "0.1.0" } };
  const other = { ...SAMPLE, machine: { ...SAMPLE.machine, cores: 8 } };
  assert.deepEqual(describeMachines([SAMPLE, bun, other]).split("\n\n"), [
    "A processor, 2 cores, 8 GiB, Linux 6, ext4; Deno 2.9.6, seglog 0.1.0, Bun 1.4.5.",
    "A processor, 8 cores, 8 GiB, Linux 6, ext4; Deno 2.9.6, seglog 0.1.0.",
  ]);
});

test("a table is as wide as its widest cell", () => {
  assert.equal(
    formatTable(["", "n"], [["a", "1"], ["bcdef", "12345"]]),
    [
      "|       |     n |",
      "| ----- | ----: |",
      "| a     |     1 |",
      "| bcdef | 12345 |",
    ].join("\n"),
  );
});

test("a page is filled between its marks, again and again, and nowhere else", () => {
  const page = "before\n\n<!-- bench W1 -->\n<!-- end -->\n\n" +
    "<!-- bench W2 -->\nold\n<!-- end -->\n\nafter\n";
  const results = new Map([["W1", [SAMPLE]]]);
  const filled = fillPage(page, results);
  assert.match(filled, /^before\n\n<!-- bench W1 -->\n\n!\[Batches appended <fast>\]/);
  assert.match(filled, /\| LMDB {3}\|/);
  assert.match(
    filled,
    /2026-01-15\.\n\n<!-- end -->\n\n<!-- bench W2 -->\n<!-- end -->\n\nafter\n$/,
  );
  assert.equal(fillPage(filled, results), filled);
});
