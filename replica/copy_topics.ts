/**
 * Copies all partitions of some topics, a few at a time.
 *
 * @module
 */
import type { Backend, TopicInfo } from "../core/backend.ts";
import { isNotFound } from "../core/base/errors.ts";
import type { MirrorTarget } from "../core/mirror_contract.ts";
import type { Taken } from "./intake.ts";
import { mirrorPartition } from "./mirror_partition.ts";
import { checkSameHistory } from "./same_history.ts";

/** What is copied, and where to. */
export interface TopicsCopy {
  readonly source: Backend;
  readonly topics: readonly TopicInfo[];
  /** The target, to be read. */
  readonly copy: Pick<Backend, "bounds" | "batches">;
  /** The same, taking in; the topics are there. */
  readonly target: MirrorTarget;
  /** Where a partition ends; where it ends when its turn comes unless given. */
  readonly endOf?: (topic: TopicInfo, partition: number) => number | undefined;
  /** Ends it quietly, where it is. */
  readonly signal?: AbortSignal | undefined;
  readonly onTaken: (taken: Taken) => void;
  /** Is told when a partition is done. */
  readonly onPartition?: () => void;
}

/** Partitions that are copied at the same time. */
const PARTITIONS_AT_ONCE = 4;
/** Bytes that each of them may hold ahead. */
const AHEAD_BYTES = 8 * 1024 * 1024;

/**
 * Copies them. What is taken in is durable when it resolves. A topic that is deleted meanwhile is
 * copied as far as it got.
 *
 * @throws {SeglogError} as `mirrorPartition` and `checkSameHistory`
 */
export async function copyTopics(task: TopicsCopy): Promise<void> {
  const { topics, signal } = task;
  const places = topics.flatMap((info) =>
    Array.from({ length: info.config.partitions }, (_, partition) => ({ info, partition }))
  );
  await eachOf(places, ({ info, partition }) => copyOne(task, info, partition), signal);
}

async function copyOne(task: TopicsCopy, info: TopicInfo, partition: number): Promise<void> {
  const { source, copy, target, endOf, signal, onTaken, onPartition } = task;
  const place = { topic: info.name, partition };
  const until = endOf?.(info, partition);
  try {
    await checkSameHistory({ source, copy, ...place });
    const partitionTarget = await target.openMirror(info.name, partition);
    await mirrorPartition({
      source,
      ...place,
      target: partitionTarget,
      readAheadBytes: AHEAD_BYTES,
      ...until === undefined ? {} : { until },
      ...signal === undefined ? {} : { signal },
      onTaken,
    });
    await partitionTarget.flush();
  } catch (error) {
    if (!isNotFound(error) || await isThere(source, info)) throw error;
  }
  if (!signal?.aborted) onPartition?.();
}

/** Whether the source still has the topic: one that was deleted meanwhile is no failure. */
async function isThere(source: Backend, { id }: TopicInfo): Promise<boolean> {
  return (await source.listTopics()).some((info) => info.id === id);
}

/** Runs for each, some at once. When one fails, no other is begun, and those under way end. */
async function eachOf<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const waiting = items.values();
  let failed = false;
  const work = async () => {
    for (const item of waiting) {
      if (failed || signal?.aborted) return;
      try {
        await run(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: PARTITIONS_AT_ONCE }, work);
  for (const outcome of await Promise.allSettled(workers)) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
