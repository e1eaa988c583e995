/**
 * The copy engine: one partition, from any backend into any that takes it in.
 *
 * Where the copy ends is all that is known of the way so far: whoever is killed goes on from there.
 *
 * @module
 */
import type { Backend, Bounds } from "../core/backend.ts";
import { overtakenTo } from "../core/base/offset_errors.ts";
import { unlessAborted } from "../core/base/pause.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { MirrorPartition } from "../core/mirror_contract.ts";
import { lostIn } from "../core/reading.ts";
import { diverged } from "./diverged.ts";
import { fitBatch } from "./fit_batch.ts";
import { Intake, type Taken } from "./intake.ts";
import { intact } from "./same_record.ts";

/** What is copied, and how. */
export interface PartitionCopy {
  readonly source: Backend;
  /** Its topic and partition. */
  readonly topic: string;
  readonly partition: number;
  /** What takes it in; nobody else uses it meanwhile. */
  readonly target: MirrorPartition;
  /** The offset to end at; where the source ended when it was asked first unless given. */
  readonly until?: number;
  /** How far compaction has been in the source, as far as is known: the copy notes it. */
  readonly compactedTo?: () => number;
  /** Go on with what comes, instead of ending where the source ended when it was asked first. */
  readonly follow?: boolean;
  /** Bytes that may be read ahead, and as many again that may be on their way into the target. */
  readonly readAheadBytes?: number;
  /** Ends it quietly, where it is. */
  readonly signal?: AbortSignal;
  /** Is told of what was taken in, when it is acknowledged. */
  readonly onTaken?: (taken: Taken) => void;
  /** Is told where the copy begins, whenever it was looked at. */
  readonly onBegins?: (logStartOffset: number) => void;
  /** Is told when the copy has all that the source had a moment ago. */
  readonly onCaughtUp?: () => void;
}

/**
 * Copies from where the target ends: batches as they are stored, with offsets, times and producers.
 * Offsets that hold no records in the source hold none in the copy, for the same reason, and the copy
 * begins where the source does. A target that has some of it already must have the same history:
 * `checkSameHistory` looks.
 *
 * @returns the offset at which the copy ends
 * @throws {SeglogError} `condition-failed` with `diverged` in its details when the target is longer
 * than the source; `corrupt`; whatever the two throw
 */
export async function mirrorPartition(copy: PartitionCopy): Promise<number> {
  const { source, topic, partition, target, follow = false, signal } = copy;
  const { nextOffset } = await target.bounds();
  const intake = new Intake(target, { ...copy, nextOffset });
  try {
    while (!signal?.aborted) {
      const asked = source.bounds(topic, partition);
      const bounds = await (signal === undefined ? asked : unlessAborted(asked, signal));
      if (bounds === undefined) break;
      await beginWhereItBegins(copy, intake, bounds);
      const end = Math.min(copy.until ?? Infinity, bounds.nextOffset);
      if (intake.nextOffset < end) {
        const isThere = await copyRange(copy, intake, end);
        if (!isThere || signal?.aborted) continue;
        // What is missing at the end was removed there: batches say nothing of it.
        await intake.skipTo(end, "removed");
        if (!follow) break;
        continue;
      }
      copy.onCaughtUp?.();
      if (!follow) break;
      await copyRange(copy, intake, undefined);
    }
  } finally {
    await intake.settle();
  }
  return intake.nextOffset;
}

/** The first readable offset of the copy is that of its source. */
async function beginWhereItBegins(
  { topic, partition, target, compactedTo, onBegins }: PartitionCopy,
  intake: Intake,
  { logStartOffset, nextOffset }: Bounds,
): Promise<void> {
  if (intake.nextOffset > nextOffset) {
    throw diverged({
      topic,
      partition,
      offset: nextOffset,
      how: `the copy ends at offset ${intake.nextOffset}, and its source at ${nextOffset}`,
    });
  }
  await intake.noteCompacted(compactedTo?.() ?? 0);
  await intake.settle();
  if (intake.nextOffset < logStartOffset) {
    // Emptied first, the copy begins where it goes on: who reads it finds itself overtaken, and is not
    // taken past a gap.
    await target.truncateBefore(intake.nextOffset);
    await intake.skipTo(logStartOffset, "removed");
  }
  if ((await target.bounds()).logStartOffset < logStartOffset) {
    await target.truncateBefore(logStartOffset);
  }
  onBegins?.(logStartOffset);
}

/**
 * Copies what the source has from where the copy ends.
 *
 * @param until where to end; with `undefined` it goes on with what comes
 * @returns whether it came to its end; else something is in the way that looking again shows
 */
async function copyRange(
  { source, topic, partition, compactedTo, readAheadBytes, signal }: PartitionCopy,
  intake: Intake,
  until: number | undefined,
): Promise<boolean> {
  const from = intake.nextOffset;
  const range = until === undefined ? { from, follow: true } : { from, until };
  const how = {
    ...readAheadBytes === undefined ? {} : { readAheadBytes },
    ...signal === undefined ? {} : { signal },
  };
  try {
    for await (const batch of source.batches(topic, { partition, ...range, ...how })) {
      await intake.noteCompacted(compactedTo?.() ?? 0);
      await take(intake, intact(batch));
    }
    return true;
  } catch (error) {
    const lost = lostIn(error);
    if (lost !== undefined) {
      if (lost.start > intake.nextOffset) await intake.skipTo(lost.start, "removed");
      await intake.skipTo(lost.end, "lost");
      return false;
    }
    // A truncation of the source has gone past where the copy is.
    if ((overtakenTo(error) ?? 0) > intake.nextOffset) return false;
    throw error;
  }
}

async function take(intake: Intake, batch: BatchView): Promise<void> {
  const fitted = fitBatch(batch, intake.nextOffset);
  if (fitted === undefined) return;
  if (fitted.baseOffset > intake.nextOffset) await intake.skipTo(fitted.baseOffset, "removed");
  await intake.append(fitted);
}
