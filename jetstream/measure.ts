/**
 * Measures of a partition, and places in it by time.
 *
 * @module
 */
import type { PartitionInfo } from "../core/backend.ts";
import { findFirst, findOffset } from "./find_offset.ts";
import type { LogState } from "./log_state.ts";
import type { PartitionStream, Tip } from "./partition_stream.ts";

/** The part of {@linkcode PartitionInfo} that is not found in the state of the log. */
type Measured = Pick<PartitionInfo, "records" | "bytes" | "segments">;

/**
 * Records and bytes of a partition. Segments there are as many as its bytes fill: how the servers
 * cut their files is theirs.
 */
export async function measure(
  stream: PartitionStream,
  tip: Tip,
  segmentBytes: number,
): Promise<Measured> {
  const info = await stream.streams.info(stream.names.stream);
  const bytes = info?.state.bytes ?? 0;
  const records = tip.state.records - await recordsBelowStart(stream, tip);
  return { records, bytes, segments: Math.max(1, Math.ceil(bytes / segmentBytes)) };
}

async function recordsBelowStart(stream: PartitionStream, tip: Tip): Promise<number> {
  const { logStartOffset: start, nextOffset, records } = tip.state;
  if (start === 0) return 0;
  if (start === nextOffset) return records;
  if (records === nextOffset) return start; // no offset is without its record
  const message = await stream.whole(await findOffset(stream, tip, start));
  const batches = message.batches();
  const own = batches.reduce((sum, { header }) => sum + header.recordCount, 0);
  let below = message.head.state.records - own;
  for (const batch of batches) {
    if (batch.baseOffset >= start) break;
    for (const { offset } of batch.records()) if (offset < start) below++;
  }
  return below;
}

/** The first offset whose record is as old as a time or younger; the end if none is. */
export async function offsetAtTime(
  stream: PartitionStream,
  tip: Tip,
  timestampMs: number,
): Promise<number> {
  const { logStartOffset, nextOffset } = tip.state;
  const isYoung = ({ maxTimestampMs }: LogState) => maxTimestampMs >= timestampMs;
  const first = await findFirst(stream, tip, isYoung);
  if (first === undefined) return nextOffset;
  // The youngest record up to there may be gone: then the search goes on.
  for (let sequence = first.sequence; sequence <= tip.sequence; sequence++) {
    const message = await stream.at(sequence);
    if (message === undefined || message.head.isPiece) continue;
    const { batches } = await stream.whole(message);
    for (const batch of batches()) {
      if (batch.nextOffset <= logStartOffset || batch.header.maxTimestampMs < timestampMs) continue;
      for (const { offset, timestamp } of batch.records()) {
        if (offset >= logStartOffset && timestamp >= timestampMs) return offset;
      }
    }
  }
  return nextOffset;
}
