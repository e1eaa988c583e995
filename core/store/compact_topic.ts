/**
 * Compacts the partitions of a topic.
 *
 * @module
 */
import type { CompactResult, CompactTopicOptions } from "../backend.ts";
import type { Topic } from "./topic.ts";

/** How topics are compacted that are due. */
export interface CompactDueOptions {
  readonly bytesPerSecond: number;
  readonly signal: AbortSignal;
  /** Is told what was won. */
  readonly onNotice: (notice: string) => void;
}

/** Compacts a partition where its topic says so and there is enough garbage. */
export async function compactIfDue(
  topic: Topic,
  partition: number,
  { bytesPerSecond, signal, onNotice }: CompactDueOptions,
): Promise<void> {
  const held = () => topic.held(partition).all;
  const log = await topic.log(partition);
  const done = await log.compactIfDue({ held, bytesPerSecond, signal });
  if (done === undefined || done.segments === 0) return;
  topic.countCompaction(partition, done);
  const { records, bytes } = done;
  onNotice(
    `compacted partition ${partition} of "${topic.info.name}": ${records} records less, ${bytes} bytes given back`,
  );
}

/** Compacts one partition, or all of them one after another. Throws as `Backend.compact`. */
export async function compactTopic(
  topic: Topic,
  { partition, signal }: CompactTopicOptions,
): Promise<CompactResult> {
  const all = Array.from({ length: topic.info.config.partitions }, (_, partition) => partition);
  let result: CompactResult = {
    topic: topic.info.name,
    segments: 0,
    skipped: 0,
    records: 0,
    bytes: 0,
  };
  for (const number of partition === undefined ? all : [partition]) {
    const log = await topic.log(number);
    const done = await log.compact({ held: () => topic.held(number).all, signal });
    topic.countCompaction(number, done);
    result = {
      ...result,
      segments: result.segments + done.segments,
      skipped: result.skipped + done.skipped,
      records: result.records + done.records,
      bytes: result.bytes + done.bytes,
    };
  }
  return result;
}
