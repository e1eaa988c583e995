/**
 * What is refused of webhooks before anything is changed.
 *
 * @module
 */
import type { Backend, TopicDetails } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { outOfRange } from "../../core/base/offset_errors.ts";
import type { NewWebhook, ResumeOptions, StoredWebhook } from "./webhook.ts";

/** What cannot be changed of a webhook that is there. @throws {SeglogError} `exists` */
export function checkPut(
  name: string,
  { topic, from }: NewWebhook,
  before: StoredWebhook | undefined,
): void {
  if (before === undefined) return;
  if (before.topic !== topic) {
    throw new SeglogError(
      "exists",
      `Cannot change the topic of the webhook "${name}": it is ${
        JSON.stringify(before.topic)
      }; remove it, or make another one`,
    );
  }
  if (from === undefined) return;
  throw new SeglogError(
    "exists",
    `Cannot say from where the webhook "${name}" begins: it is there already; resume it with from`,
  );
}

/** @throws {SeglogError} `not-found` for the partition; `condition-failed` for another topic */
export function checkResume(
  { name, topicId, partitions }: StoredWebhook,
  details: TopicDetails,
  { from, partition }: ResumeOptions,
): void {
  if (partition !== undefined && !partitions.includes(partition)) {
    throw new SeglogError(
      "not-found",
      `Cannot resume partition ${partition} of the webhook "${name}": it delivers from ${
        partitions.join(", ")
      }`,
    );
  }
  if (details.id === topicId || from !== undefined) return;
  throw new SeglogError(
    "condition-failed",
    `Cannot resume the webhook "${name}": its topic was deleted and made anew; say from where, such as start`,
  );
}

/** The URL of a webhook. @throws {SeglogError} `invalid-argument` */
export function urlOf(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new SeglogError(
    "invalid-argument",
    "Cannot send webhooks there: the url is none; give one such as https://example.com/hook",
    { details: { member: "url" } },
  );
}

/** The partitions that are asked for, or all. @throws {SeglogError} `not-found` */
export function partitionsOf(
  { name, config }: TopicDetails,
  asked: number[] | undefined,
): number[] {
  const wanted = asked ?? Array.from({ length: config.partitions }, (_, partition) => partition);
  const strange = wanted.find((partition) => partition >= config.partitions);
  if (strange === undefined) return [...new Set(wanted)].toSorted((a, b) => a - b);
  throw new SeglogError(
    "not-found",
    `Cannot use partition ${strange} of "${name}": it has ${config.partitions}`,
  );
}

/** Refuses to go on where nothing can be read. @throws {SeglogError} `offset-out-of-range` */
export async function checkReadable(
  backend: Backend,
  { topic, partition, offset }: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  },
): Promise<void> {
  const bounds = await backend.bounds(topic, partition);
  if (offset >= bounds.logStartOffset && offset <= bounds.nextOffset) return;
  throw outOfRange(`"${topic}" partition ${partition}`, offset, bounds);
}
