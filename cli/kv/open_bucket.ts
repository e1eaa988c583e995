/**
 * From `--at` and `--bucket` to a bucket that is open while something is done with it.
 *
 * @module
 */
import { hasBucket } from "../../core/kv/bucket_topic.ts";
import { Kv } from "../../core/kv/kv.ts";
import { openToRead, openToWrite } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";

/** Opens a bucket to be read; one that is not there is empty. */
export async function readingBucket<Result>(
  context: Context,
  bucket: string,
  { use, none }: {
    readonly use: (kv: Kv) => Promise<Result>;
    /** What it comes to when there is no bucket. */
    readonly none: () => Result | Promise<Result>;
  },
): Promise<Result> {
  await using backend = await openToRead(context);
  if (!await hasBucket(backend, bucket)) return await none();
  await using kv = await Kv.open(backend, bucket, { create: false });
  return await use(kv);
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
