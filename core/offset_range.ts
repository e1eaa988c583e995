/**
 * Positions as people write them: `42`, `start`, `end`, `-10`, `@2026-11-20T00:00Z`, `@-1h`, and
 * ranges of two of them, `10:20`.
 *
 * @module
 */
import type { Backend } from "./backend.ts";
import { SeglogError } from "./base/errors.ts";

/** A position in a partition, before it is known which offset it stands for. */
export type OffsetSelector =
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "last"; readonly count: number }
  | { readonly kind: "time"; readonly timestampMs: number };

/** A half-open range of positions; a missing end means: to the end. */
export interface SelectorRange {
  readonly from: OffsetSelector;
  readonly until: OffsetSelector | undefined;
}

const WHOLE = /^\d+$/;
const LAST = /^-(\d+)$/;
const AGO = /^-(\d+)(ms|s|m|h|d|w)$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const DATE = /^\d{4}-\d{2}-\d{2}(T.+)?$/;

/**
 * Reads one position.
 *
 * @param text `42`, `start`, `end`, `-10` (ten before the end), `@` and a time: ISO 8601, whole
 * milliseconds since 1970, or a time ago such as `-1h` (units ms, s, m, h, d, w)
 * @param nowMs what a time ago is counted from
 * @throws {SeglogError} `invalid-argument`
 */
export function parseOffsetSelector(text: string, nowMs: number): OffsetSelector {
  const selector = selectorOf(text, nowMs);
  if (selector !== undefined) return selector;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use ${
      JSON.stringify(text.slice(0, 80))
    } as a position: give an offset from 0 to ${Number.MAX_SAFE_INTEGER}, ` +
      `start, end, -N for the last N, or @ and a time such as @2026-11-20T00:00Z or @-1h`,
  );
}

/**
 * Reads a range: one position (from there to the end), or two with a colon between them, where
 * either may be missing.
 *
 * @throws {SeglogError} `invalid-argument`
 */
export function parseSelectorRange(text: string, nowMs: number): SelectorRange {
  const whole = selectorOf(text, nowMs);
  if (whole !== undefined) return { from: whole, until: undefined };
  for (let colon = text.indexOf(":"); colon >= 0; colon = text.indexOf(":", colon + 1)) {
    const from = selectorOf(text.slice(0, colon) || "start", nowMs);
    const until = selectorOf(text.slice(colon + 1) || "end", nowMs);
    if (from !== undefined && until !== undefined) return { from, until };
  }
  throw new SeglogError(
    "invalid-argument",
    `Cannot use ${
      JSON.stringify(text.slice(0, 80))
    } as a range: give a position such as 42, start, end, -10 or @-1h, ` +
      `or two of them as in 10:20`,
  );
}

/** The offset that a selector stands for now. The last N are counted in offsets. */
export async function resolveOffset(
  backend: Backend,
  topic: string,
  selector: OffsetSelector,
  partition = 0,
): Promise<number> {
  if (selector.kind === "offset") return selector.offset;
  if (selector.kind === "time") {
    return await backend.offsetAt(topic, selector.timestampMs, partition);
  }
  const { logStartOffset, nextOffset } = await backend.bounds(topic, partition);
  if (selector.kind === "start") return logStartOffset;
  if (selector.kind === "end") return nextOffset;
  return Math.max(logStartOffset, nextOffset - selector.count);
}

function selectorOf(text: string, nowMs: number): OffsetSelector | undefined {
  if (text === "start" || text === "end") return { kind: text };
  if (WHOLE.test(text)) return whole(text, (offset) => ({ kind: "offset", offset }));
  const last = LAST.exec(text);
  if (last !== null) return whole(last[1]!, (count) => ({ kind: "last", count }));
  if (!text.startsWith("@")) return undefined;
  const timestampMs = timeOf(text.slice(1), nowMs);
  return timestampMs === undefined ? undefined : { kind: "time", timestampMs };
}

function timeOf(text: string, nowMs: number): number | undefined {
  const ago = AGO.exec(text);
  if (ago !== null) {
    return Math.max(0, nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS]);
  }
  const ms = WHOLE.test(text) ? Number(text) : DATE.test(text) ? Date.parse(text) : NaN;
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : undefined;
}

function whole(
  text: string,
  make: (value: number) => OffsetSelector,
): OffsetSelector | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) ? make(value) : undefined;
}
