/**
 * Which offsets of which partitions a command is about.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { type OffsetSelector, resolveOffset, type SelectorRange } from "../../core/offset_range.ts";
import { outOfRange } from "../../core/base/offset_errors.ts";
import { UsageError } from "../exit.ts";

/** Offsets `[from, until)` of one partition; without an end where the reading follows. */
export interface PartitionRange {
  readonly partition: number;
  readonly from: number;
  readonly until: number | undefined;
}

/**
 * The partitions of a topic, or the one that was asked for.
 *
 * @throws {SeglogError} `not-found` for a topic or partition that is not there
 */
export async function partitionsOf(
  backend: Backend,
  topic: string,
  partition: number | undefined,
): Promise<number[]> {
  if (partition !== undefined) {
    await backend.bounds(topic, partition); // what is wrong with others is not asked
    return [partition];
  }
  return (await backend.describeTopic(topic)).partitions.map((info) => info.partition);
}

/**
 * What a range means in each of the partitions. Ends past the end of a partition are cut to it,
 * unless the reading follows.
 *
 * @throws {UsageError} when an offset is given for several partitions, where it means nothing
 * @throws {SeglogError} `offset-out-of-range` for a start behind the end
 */
export async function resolveRange(
  backend: Backend,
  topic: string,
  options: {
    readonly partitions: readonly number[];
    readonly range: SelectorRange;
    readonly follow: boolean;
  },
): Promise<PartitionRange[]> {
  const { partitions, range, follow } = options;
  checkSelector(range.from, topic, partitions);
  if (range.until !== undefined) checkSelector(range.until, topic, partitions);
  return await Promise.all(partitions.map(async (partition) => {
    const from = await resolveOffset(backend, topic, range.from, partition);
    const until = range.until === undefined
      ? undefined
      : await resolveOffset(backend, topic, range.until, partition);
    if (follow) return { partition, from, until };
    const bounds = await backend.bounds(topic, partition);
    const { nextOffset } = bounds;
    if (from > nextOffset) throw outOfRange(`"${topic}"`, from, bounds);
    return { partition, from, until: Math.min(until ?? nextOffset, nextOffset) };
  }));
}

/** Refuses an offset for several partitions. @throws {UsageError} */
export function checkSelector(
  selector: OffsetSelector,
  topic: string,
  partitions: readonly number[],
): void {
  if (selector.kind !== "offset" || partitions.length === 1) return;
  throw new UsageError(
    `"${topic}" has ${partitions.length} partitions, each with its own offset ${selector.offset}: ` +
      "say which one with -p, or give start, end, -N or @time",
  );
}
