/**
 * Tells of the segments of a log what whoever runs it asks: how large, how old, compacted how often.
 *
 * @module
 */
import type { SegmentInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { TIMESTAMP_MS_MAX } from "../base/limits.ts";
import type { Log } from "../log/log.ts";

/** All segments of a log as it is now, the active one last. */
export async function describeSegments(log: Log): Promise<SegmentInfo[]> {
  const { segments } = log;
  const infos: SegmentInfo[] = [];
  for (const [i, segment] of segments.entries()) {
    const { baseOffset, nextOffset, records, bytes, generation = 0, maxTimestampMs } = segment;
    const first = await firstTimestamp(log, { from: baseOffset, until: nextOffset });
    infos.push({
      baseOffset,
      nextOffset,
      records,
      bytes,
      generation,
      isSealed: i < segments.length - 1,
      ...first === undefined ? {} : { firstTimestampMs: first },
      // Where bytes cannot be read it is taken to be later than any.
      ...records > 0 && maxTimestampMs < TIMESTAMP_MS_MAX ? { maxTimestampMs } : {},
    });
  }
  return infos;
}

/** That of the first record of a range that can still be read. */
async function firstTimestamp(
  log: Log,
  { from, until }: { from: number; until: number },
): Promise<number | undefined> {
  try {
    const start = Math.max(from, log.logStartOffset);
    if (start >= until) return undefined;
    for await (const record of log.records({ from: start, until })) return record.timestamp;
    return undefined;
  } catch (error) {
    // Damage, a loss that is on record, a truncation meanwhile: the segment is told of all the same.
    if (error instanceof SeglogError && error.code !== "closed") return undefined;
    throw error;
  }
}
