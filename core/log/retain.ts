/**
 * What the settings of a log let go, as it is now.
 *
 * @module
 */
import type { SeglogError } from "../base/errors.ts";
import type { RetentionPolicy } from "../format/log_settings.ts";
import { joinGaps } from "./gaps.ts";
import { retainedStart } from "./retention.ts";
import { keptFromTime } from "./time_lookup.ts";
import type { LogView } from "./view.ts";

/**
 * The offset that should be the first readable one.
 *
 * @returns with the error for records that cannot be read: they may be young enough, and stay
 */
export function keptStart(
  view: LogView,
  policy: RetentionPolicy,
  nowMs: number,
): { start: number; damage: SeglogError | undefined } {
  let damage: SeglogError | undefined;
  const offsetAt = (timestampMs: number) => {
    const kept = keptFromTime(view, timestampMs);
    damage = kept.damage;
    return kept.offset;
  };
  const { logStartOffset, nextOffset, segments } = view;
  const gaps = joinGaps(view.gaps, view.lost);
  const start = retainedStart(
    { logStartOffset, nextOffset, gaps, segments, offsetAt },
    policy,
    nowMs,
  );
  return { start, damage };
}
