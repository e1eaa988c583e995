/**
 * From `--at` and `--bucket` to a bucket that is open while something is done with it.
 *
 * @module
 */
import { hasBucket } from "../../core/kv/bucket_topic.ts";
import { Kv } from "../../core/kv/kv.ts";
import { BUCKET_PARTITION } from "../../core/kv/kv_key.ts";
import { openToRead, openToWrite } from "../connect.ts";
import type { MinOffsetOptions } from "../grammar/min_offset.ts";
import type { Context } from "../grammar/verb.ts";
import { waitForMinOffset } from "../read/min_offset.ts";

/** Opens a bucket to be read; one that is not there is empty. */
export async function readingBucket<Result>(
  context: Context,
  bucket: string,
  { use, none, minOffset, minOffsetWait }: Partial<MinOffsetOptions> & {
    readonly use: (kv: Kv) => Promise<Result>;
    /** What it comes to when there is no bucket. */
    readonly none: () => Result | Promise<Result>;
  },
): Promise<Result> {
  await using backend = await openToRead(context);
  await waitForMinOffset(backend, ofBucket(bucket), { minOffset, minOffsetWait });
  if (!await hasBucket(backend, bucket)) return await none();
  await using kv = await Kv.open(backend, bucket, { create: false });
  return await use(kv);
}

/** The topic of a bucket, and its one partition. */
export function ofBucket(bucket: string): { topic: string; partitions: number[] } {
  return { topic: bucket, partitions: [BUCKET_PARTITION] };
}

/** Opens a bucket to be written, making it when there is none. */
export async function writingBucket<Result>(
  context: Context,
  bucket: string,
  use: (kv: Kv) => Promise<Result>,
): Promise<Result> {
  await using backend = await openToWrite(context);
  await using kv = await Kv.open(backend, bucket);
  return await use(kv);
}
