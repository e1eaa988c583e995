/**
 * What a topic's retention lets go of: whole messages, from the front.
 *
 * @module
 */
import type { TopicConfig } from "../core/topic_config.ts";
import { findFirst } from "./find_offset.ts";
import type { LogState } from "./log_state.ts";
import type { PartitionStream, Tip } from "./partition_stream.ts";

/** The first offset that is kept: that of the first message that none of the limits lets go of. */
export async function keptStart(
  stream: PartitionStream,
  tip: Tip,
  { config, nowMs }: { readonly config: TopicConfig; readonly nowMs: number },
): Promise<number> {
  const { retentionMs, retentionBytes, retentionRecords } = config;
  const { bytes, records, nextOffset, logStartOffset } = tip.state;
  const kept: ((state: LogState) => boolean)[] = [];
  if (retentionMs !== null) kept.push((state) => state.maxTimestampMs >= nowMs - retentionMs);
  if (retentionBytes !== null) kept.push((state) => state.bytes > bytes - retentionBytes);
  if (retentionRecords !== null) kept.push((state) => state.records > records - retentionRecords);
  let start = logStartOffset;
  for (const isKept of kept) {
    const first = await findFirst(stream, tip, isKept);
    start = Math.max(start, first?.head.baseOffset ?? nextOffset);
  }
  return start;
}
