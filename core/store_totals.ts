/**
 * What the topics of a backend hold together, measured one after another.
 *
 * @module
 */
import type { Backend, PartitionInfo, RecoveredTail } from "./backend.ts";
import { isNotFound, messageOf, SeglogError } from "./base/errors.ts";
import { isServerState } from "./format/file_names.ts";
/** All topics that somebody made, measured. */
export interface StoreTotals {
  readonly topics: number;
  readonly partitions: number;
  readonly segments: number;
  readonly records: number;
  /** Of segments, on disk. */
  readonly bytes: number;
  /** Partitions that were not closed well, since the store was opened. */
  readonly recovered: readonly RecoveredPartition[];
  /** Topics that cannot be measured, and why. */
  readonly failed: readonly { readonly topic: string; readonly reason: string }[];
}

/** What opening a partition cut off at its end. */
export interface RecoveredPartition extends RecoveredTail {
  readonly topic: string;
  readonly partition: number;
}

/** Measures all topics of a backend. One that is damaged keeps no other from being measured. */
export async function storeTotals(backend: Backend): Promise<StoreTotals> {
  const infos: { topic: string; info: PartitionInfo }[] = [];
  const failed: { topic: string; reason: string }[] = [];
  const topics = (await backend.listTopics()).filter(({ name }) => !isServerState(name));
  for (const { name: topic } of topics) {
    try {
      const { partitions } = await backend.describeTopic(topic);
      infos.push(...partitions.map((info) => ({ topic, info })));
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code === "closed") throw error;
      if (!isNotFound(error)) failed.push({ topic, reason: messageOf(error) }); // else it was deleted
    }
  }
  const sum = (measure: "segments" | "records" | "bytes") =>
    infos.reduce((total, { info }) => total + info[measure], 0);
  return {
    topics: topics.length,
    partitions: infos.length,
    segments: sum("segments"),
    records: sum("records"),
    bytes: sum("bytes"),
    recovered: infos.flatMap(({ topic, info: { partition, recovered } }) =>
      recovered === undefined ? [] : [{ topic, partition, ...recovered }]
    ),
    failed,
  };
}
