import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type OffsetSelector,
  parseOffsetSelector,
  parseSelectorRange,
  resolveOffset,
} from "../core/offset_range.ts";
import type { Backend } from "../core/backend.ts";

const NOW_MS = Date.UTC(2026, 10, 20, 12);
const HOUR_MS = 3_600_000;

/** Selectors with a text for each. */
const selectors: fc.Arbitrary<[string, OffsetSelector]> = fc.oneof(
  fc.maxSafeNat().map((offset): [string, OffsetSelector] => [
    String(offset),
    { kind: "offset", offset },
  ]),
  fc.maxSafeNat().map((count): [string, OffsetSelector] => [`-${count}`, { kind: "last", count }]),
  fc.constantFrom<[string, OffsetSelector]>(
    ["start", { kind: "start" }],
    ["end", { kind: "end" }],
    ["@-1h", { kind: "time", timestampMs: NOW_MS - HOUR_MS }],
  ),
  fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }).map(
    (date): [string, OffsetSelector] => [
      `@${date.toISOString()}`,
      { kind: "time", timestampMs: date.getTime() },
    ],
  ),
);

test("a position is an offset, start, end, the last N, or a time", () => {
  fc.assert(fc.property(selectors, ([text, selector]) => {
    assert.deepEqual(parseOffsetSelector(text, NOW_MS), selector);
  }));
});

test("a time is a date, a time with a zone, milliseconds, or a time ago", () => {
  const times: [string, number][] = [
    ["@2026-11-20", Date.UTC(2026, 10, 20)],
    ["@2026-11-20T00:00Z", Date.UTC(2026, 10, 20)],
    ["@2026-11-20T02:00:00+02:00", Date.UTC(2026, 10, 20)],
    ["@1795176000000", NOW_MS],
    ["@0", 0],
    ["@-0s", NOW_MS],
    ["@-500ms", NOW_MS - 500],
    ["@-90s", NOW_MS - 90_000],
    ["@-5m", NOW_MS - 300_000],
    ["@-2d", NOW_MS - 48 * HOUR_MS],
    ["@-1w", NOW_MS - 168 * HOUR_MS],
    ["@-99999w", 0],
  ];
  for (const [text, timestampMs] of times) {
    assert.deepEqual(parseOffsetSelector(text, NOW_MS), { kind: "time", timestampMs });
  }
});

test("a range is two positions, either of which may be missing", () => {
  const side = fc.option(selectors, { nil: undefined });
  fc.assert(fc.property(side, side, (from, until) => {
    assert.deepEqual(parseSelectorRange(`${from?.[0] ?? ""}:${until?.[0] ?? ""}`, NOW_MS), {
      from: from?.[1] ?? { kind: "start" },
      until: until?.[1] ?? { kind: "end" },
    });
  }));
});

test("one position as a range means: from there to the end", () => {
  fc.assert(fc.property(selectors, ([text, from]) => {
    assert.deepEqual(parseSelectorRange(text, NOW_MS), { from, until: undefined });
  }));
});

test("anything else is refused in words", () => {
  const refused = [
    ...["", "x", "1.5", "+1", "1e3", "0x10", " 1", "--1", "-", "@", "@yesterday", "@-1"],
    ...["@-1y", "@1.5", "9007199254740993", "-9007199254740993", "1e99", "@9007199254740993"],
    ...["@2026-13-01", "START"],
  ];
  for (const text of refused) {
    const error = { code: "invalid-argument", message: /Cannot use .* as a/ };
    assert.throws(() => parseOffsetSelector(text, NOW_MS), error, text);
    if (text !== "") assert.throws(() => parseSelectorRange(text, NOW_MS), error, text);
  }
  for (const text of ["1:2:3", "1:x", "x:1", "10..20"]) {
    assert.throws(() => parseSelectorRange(text, NOW_MS), { code: "invalid-argument" }, text);
  }
});

test("positions resolve within the bounds of the partition", async () => {
  const bounds = { logStartOffset: 10, durableOffset: 50, nextOffset: 50 };
  const backend = {
    bounds: () => Promise.resolve(bounds),
    offsetAt: (_topic: string, timestampMs: number) => Promise.resolve(timestampMs + 1),
  } as unknown as Backend;
  const resolve = (text: string) => resolveOffset(backend, "t", parseOffsetSelector(text, NOW_MS));
  assert.equal(await resolve("start"), 10);
  assert.equal(await resolve("end"), 50);
  assert.equal(await resolve("-5"), 45);
  assert.equal(await resolve("-500"), 10);
  assert.equal(await resolve("7"), 7);
  assert.equal(await resolve("@20"), 21);
});
