/**
 * What has to be there before a verb reads.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { waitForOffset } from "../../core/wait_for_offset.ts";
import { UsageError } from "../exit.ts";
import type { MinOffsetOptions, MinRevisionOptions } from "../grammar/min_offset.ts";

/**
 * Waits until the end has passed `--min-offset`.
 *
 * @throws {UsageError} for several partitions, or a wait for nothing
 * @throws {SeglogError} `unavailable` when that does not come in time
 */
export async function waitForMinOffset(
  backend: Backend,
  { topic, partitions }: { readonly topic: string; readonly partitions: readonly number[] },
  { minOffset, minOffsetWait }: MinOffsetOptions,
): Promise<void> {
  if (minOffset === undefined) {
    if (minOffsetWait === undefined) return;
    throw new UsageError("give --min-offset-wait with --min-offset");
  }
  if (partitions.length !== 1) {
    throw new UsageError(
      `"${topic}" has ${partitions.length} partitions, each with an end of its own: ` +
        "say with -p which one has to pass --min-offset",
    );
  }
  await waitForOffset(backend, topic, {
    partition: partitions[0]!,
    minOffset,
    ...minOffsetWait === undefined ? {} : { minOffsetWaitMs: minOffsetWait },
  });
}

/** What `--min-revision` asks of a bucket, as an offset. @throws {UsageError} likewise */
export function minRevisionAsOffset(
  { minRevision, minRevisionWait }: MinRevisionOptions,
): MinOffsetOptions {
  if (minRevision === undefined && minRevisionWait !== undefined) {
    throw new UsageError("give --min-revision-wait with --min-revision");
  }
  const minOffset = minRevision === undefined ? undefined : minRevision + 1;
  return { minOffset, minOffsetWait: minRevisionWait };
}
