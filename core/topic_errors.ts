/**
 * What is said of topics that are not there, or not as they were asked for, in one wording everywhere.
 *
 * @module
 */
import type { TopicInfo } from "./backend.ts";
import { SeglogError } from "./base/errors.ts";
import type { TopicConfig } from "./topic_config.ts";

/** The error for a topic that is not there. */
export function noTopic(name: string): SeglogError {
  return new SeglogError(
    "not-found",
    `Cannot find topic ${
      JSON.stringify(name.slice(0, 80))
    }: no such topic; create it, or append to it`,
  );
}

/** Refuses a partition that a topic does not have. @throws {SeglogError} `not-found` */
export function checkPartition(topic: string, partition: number, partitions: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return;
  throw new SeglogError(
    "not-found",
    `Cannot find partition ${partition} of topic "${topic}": it has ${
      partitions === 1 ? "only partition 0" : `partitions 0 to ${partitions - 1}`
    }`,
  );
}

/** Refuses to make a topic that is there with other settings. @throws {SeglogError} `exists` */
export function checkAgrees({ name, config }: TopicInfo, asked: Partial<TopicConfig>): void {
  for (const [setting, value] of Object.entries(asked)) {
    const actual = config[setting as keyof TopicConfig];
    if (actual === value) continue;
    throw new SeglogError(
      "exists",
      `Cannot create topic "${name}" with ${setting} ${value}: it exists with ${setting} ${actual}`,
      { details: { setting } },
    );
  }
}

/** Refuses to change how many partitions there are. @throws {SeglogError} `invalid-argument` */
export function checkPartitionsStay(
  { name, config }: TopicInfo,
  asked: Partial<TopicConfig>,
): void {
  if (asked.partitions === undefined || asked.partitions === config.partitions) return;
  throw new SeglogError(
    "invalid-argument",
    `Cannot change the partitions of topic "${name}" from ${config.partitions} to ${asked.partitions}: ` +
      "keys would move to other partitions; create another topic and copy the records",
  );
}
