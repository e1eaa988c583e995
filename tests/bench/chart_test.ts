import assert from "node:assert/strict";
import { test } from "node:test";
import { drawChart } from "../../bench/chart.ts";
import type { Results } from "../../bench/results.ts";
import { SAMPLE } from "./sample_results.ts";

const bun: Results = { ...SAMPLE, runtime: "bun" };

test("a chart is well-formed XML, whatever names say", () => {
  checkWellFormed(drawChart([SAMPLE, bun]));
  checkWellFormed(drawChart([{ ...SAMPLE, isGrowth: true }]));
  checkWellFormed(drawChart([]));
  assert.throws(() => checkWellFormed("<svg><g></svg>"));
  assert.throws(() => checkWellFormed("<svg>a & b</svg>"));
});

test("a chart has a bar for each system that was measured, on each runtime", () => {
  const chart = drawChart([SAMPLE, bun]);
  for (const name of ["seglog", "LMDB", "fails"]) {
    assert.equal(chart.split(`>${name}</text>`).length - 1, 2, name);
  }
  assert.doesNotMatch(chart, />absent</);
  assert.match(chart, />Deno, 1,000 &amp; more: records\/s, more is better</);
  assert.match(chart, />Bun, 1,000 &amp; more: records\/s, more is better</);
});

test("a chart names the part of a run that bars are of", () => {
  const figures = SAMPLE.figures.map((figure) => ({ ...figure, part: "appended" }));
  const chart = drawChart([{ ...SAMPLE, figures }]);
  assert.match(chart, />Deno, 1,000 &amp; more: appended, records\/s, more is better</);
});

test("where nothing is compared, the first figure is drawn", () => {
  const figures = SAMPLE.figures.map(({ key, label, better }) => ({ key, label, better }));
  const chart = drawChart([{ ...SAMPLE, figures }]);
  assert.match(chart, />Deno, 1,000 &amp; more: records\/s, more is better</);
  assert.equal(chart.split(">LMDB</text>").length - 1, 1);
});

test("bars are as long as their medians", () => {
  const widths = [...drawChart([SAMPLE]).matchAll(/width="([\d.]+)" height="16"/g)]
    .map((match) => Number(match[1]));
  const [ours, lmdb, failing] = widths;
  assert.equal(widths.length, 3);
  assert.ok(Math.abs(ours! / lmdb! - 2.5) < 0.01, `${ours} to ${lmdb}`);
  assert.ok(Math.abs(ours! / failing! - 5) < 0.01, `${ours} to ${failing}`);
});

test("a chart of growth has a bar for each step of seglog, in each figure", () => {
  const chart = drawChart([{ ...SAMPLE, isGrowth: true }]);
  assert.equal(chart.split(">1,000 &amp; more</text>").length - 1, 2);
  assert.doesNotMatch(chart, />LMDB</);
});

/** Each element is closed in order, and text has no bare `&` or `<`. */
function checkWellFormed(xml: string): void {
  const open: string[] = [];
  const token = /<(\/?)([a-z]+)((?:\s+[\w-]+="[^"<&]*")*)\s*(\/?)>|([^<]+)/gy;
  let at = 0;
  for (let match = token.exec(xml); match !== null; match = token.exec(xml)) {
    const [all, closes, name, , isEmpty, text] = match;
    at += all.length;
    if (text !== undefined) assert.doesNotMatch(text, /&(?!(amp|lt|gt|quot);)/);
    else if (closes) assert.equal(open.pop(), name);
    else if (!isEmpty) open.push(name!);
  }
  assert.equal(at, xml.length, `no XML from here on: ${xml.slice(at, at + 40)}`);
  assert.deepEqual(open, []);
}
