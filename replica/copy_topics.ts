/**
 * Copies all partitions of some topics, a few at a time.
 *
 * @module
 */
import type { Backend, PartitionInfo, TopicDetails, TopicInfo } from "../core/backend.ts";
import { isNotFound } from "../core/base/errors.ts";
import type { MirrorTarget } from "../core/mirror_contract.ts";
import type { Taken } from "./intake.ts";
import { mirrorPartition } from "./mirror_partition.ts";
import { checkSameHistory } from "./same_history.ts";

/** What is copied, and where to. */
export interface TopicsCopy {
  readonly source: Backend;
  /** As they were a moment ago: each partition is copied up to where it ended then. */
  readonly topics: readonly TopicDetails[];
  /** The target, to be read. */
  readonly copy: Pick<Backend, "bounds" | "batches">;
  /** The same, taking in; the topics are there. */
  readonly target: MirrorTarget;
  /** Ends it quietly, where it is. */
  readonly signal?: AbortSignal | undefined;
  readonly onTaken: (taken: Taken) => void;
  /** Is told when a partition is done. */
  readonly onPartition?: () => void;
}

/** One partition. */
interface Place {
  readonly topic: TopicInfo;
  readonly info: PartitionInfo;
}

/** Partitions that are copied at the same time. */
const PARTITIONS_AT_ONCE = 4;
/** Bytes that each of them may hold ahead. */
const AHEAD_BYTES = 8 * 1024 * 1024;

/**
 * Copies them. What is taken in is durable when it resolves. A topic that is deleted meanwhile is
 * copied as far as it got.
 *
 * Compaction in the source removes what later records replace: when it has come past where the copy
 * ends, what is missing in the copy may have its replacement behind that. Such a partition is gone on
 * with as far as compaction has been.
 *
 * @throws {SeglogError} as `mirrorPartition` and `checkSameHistory`
 */
export async function copyTopics(task: TopicsCopy): Promise<void> {
  const { signal, onPartition } = task;
  await eachOf(placesIn(task.topics), async (place) => {
    await copyOne(task, place, place.info.nextOffset);
    if (!signal?.aborted) onPartition?.();
  }, signal);
  for (let { topics } = task; !signal?.aborted;) {
    const now = await detailsOf(task.source, topics);
    const compacted = compactedSince(topics, now);
    if (compacted.length === 0) return;
    await eachOf(compacted, (place) => copyOne(task, place, place.info.compactedTo), signal);
    topics = now;
  }
}

function placesIn(topics: readonly TopicDetails[]): Place[] {
  return topics.flatMap((topic) => topic.partitions.map((info) => ({ topic, info })));
}

async function copyOne(task: TopicsCopy, { topic, info }: Place, until: number): Promise<void> {
  const { source, copy, target, signal, onTaken } = task;
  const { partition, compactedTo } = info;
  const place = { topic: topic.name, partition };
  try {
    await checkSameHistory({ source, copy, ...place });
    const partitionTarget = await target.openMirror(topic.name, partition);
    await mirrorPartition({
      source,
      ...place,
      target: partitionTarget,
      until,
      compactedTo: () => compactedTo,
      readAheadBytes: AHEAD_BYTES,
      ...signal === undefined ? {} : { signal },
      onTaken,
    });
    await partitionTarget.flush();
  } catch (error) {
    if (!isNotFound(error) || await isThere(source, topic)) throw error;
  }
}

/** The partitions in which compaction has got further. */
function compactedSince(before: readonly TopicDetails[], now: readonly TopicDetails[]): Place[] {
  const known = new Map(
    placesIn(before).map(({ topic, info }) => [`${topic.id}/${info.partition}`, info.compactedTo]),
  );
  return placesIn(now).filter(({ topic, info }) =>
    info.compactedTo > known.get(`${topic.id}/${info.partition}`)!
  );
}

/** Topics as they are now, in this order, without those that are gone. */
export async function detailsOf(
  source: Backend,
  topics: readonly TopicInfo[],
): Promise<TopicDetails[]> {
  const found: TopicDetails[] = [];
  for (const { name, id } of topics) {
    try {
      const details = await source.describeTopic(name);
      if (details.id === id) found.push(details);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  return found;
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
