/**
 * Which records are old enough to go: decided here, done by the log.
 *
 * @module
 */
import type { RetentionPolicy } from "../format/log_settings.ts";
import { addGap, type Gap, lastRecordsStart } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";

/** What retention has to know of a segment. */
export type RetainedSegment = Pick<
  ReadableSegment,
  "baseOffset" | "nextOffset" | "records" | "bytes"
>;

/** What retention looks at: segments in rising order, the active one last. */
export interface RetentionState {
  readonly logStartOffset: number;
  readonly nextOffset: number;
  /** Offsets without records, removed or lost. */
  readonly gaps: readonly Gap[];
  readonly segments: readonly RetainedSegment[];
  /** The first offset that is as young as this, for the age limit. */
  readonly offsetAt: (timestampMs: number) => number;
}

/**
 * The offset that should be the first readable one. By age and by count that is exact; by bytes it
 * is the start of a segment, the oldest that can stay so that at least `retentionBytes` remain.
 *
 * @param nowMs what ages are counted from
 * @returns at least the present `logStartOffset`
 */
export function retainedStart(
  state: RetentionState,
  policy: RetentionPolicy,
  nowMs: number,
): number {
  const { logStartOffset, nextOffset } = state;
  const { retentionMs, retentionBytes, retentionRecords } = policy;
  const byAge = retentionMs === null ? 0 : state.offsetAt(nowMs - retentionMs);
  const byCount = retentionRecords === null
    ? 0
    : lastRecordsStart(withHoles(state), nextOffset, retentionRecords);
  const byBytes = retentionBytes === null ? 0 : startByBytes(state, retentionBytes);
  return Math.max(logStartOffset, byAge, byCount, byBytes);
}

/**
 * The gaps, and one at the end of each segment that was compacted, for the records that it lost:
 * where those were is not known without reading it, and so rather more records are kept.
 */
function withHoles({ gaps, segments }: RetentionState): readonly Gap[] {
  return segments.reduce((all, { baseOffset, nextOffset, records }) => {
    const removed = nextOffset - baseOffset - records;
    if (removed === 0) return all;
    const cut = gaps.find(({ start }) => start > baseOffset && start < nextOffset);
    const end = cut?.start ?? nextOffset;
    return addGap(all, { start: Math.max(baseOffset, end - removed), end });
  }, gaps);
}

function startByBytes(state: RetentionState, retentionBytes: number): number {
  let kept = 0;
  for (const segment of state.segments.toReversed()) {
    kept += segment.bytes;
    if (kept >= retentionBytes) return segment.baseOffset;
  }
  return 0;
}
