/**
 * The topic that holds a bucket.
 *
 * @module
 */
import type { Backend, TopicDetails } from "../backend.ts";
import { isNotFound, SeglogError } from "../base/errors.ts";

/**
 * The topic of a bucket, which has one partition: all keys are in one order.
 *
 * @param create whether to make it when there is none
 * @throws {SeglogError} `not-found`; `invalid-argument` for a topic with several partitions
 */
export async function openBucketTopic(
  backend: Backend,
  bucket: string,
  create: boolean,
): Promise<TopicDetails> {
  const topic = await topicOf(backend, bucket, create);
  const { partitions } = topic.config;
  if (partitions === 1) return topic;
  throw new SeglogError(
    "invalid-argument",
    `Cannot open "${bucket}" as a bucket: it has ${partitions} partitions, and a bucket has one, so that all its keys are in one order`,
  );
}

/** Whether there is such a bucket. @throws {SeglogError} `invalid-argument` for a topic that is none */
export async function hasBucket(backend: Backend, bucket: string): Promise<boolean> {
  try {
    await openBucketTopic(backend, bucket, false);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function topicOf(backend: Backend, bucket: string, create: boolean): Promise<TopicDetails> {
  try {
    return await backend.describeTopic(bucket);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (!create) {
      throw new SeglogError("not-found", `Cannot open "${bucket}": there is no such bucket`, {
        cause: error,
      });
    }
    await makeBucket(backend, bucket);
    return await backend.describeTopic(bucket);
  }
}

/** Another may be first, with other settings: then it is theirs. */
async function makeBucket(backend: Backend, bucket: string): Promise<void> {
  try {
    // A key keeps its value, whatever other topics drop by themselves.
    const keepsAll = { retentionMs: null, retentionBytes: null, retentionRecords: null };
    await backend.ensureTopic(bucket, { partitions: 1, compaction: "keys", ...keepsAll });
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "exists") throw error;
  }
}
