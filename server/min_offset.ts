/**
 * What a request wants to be there before it is answered: an offset that the end has to pass, or a
 * revision of a bucket.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { type AwaitedOffset, waitForOffset } from "../core/wait_for_offset.ts";
import type { BucketPlace } from "./kv_read.ts";
import { WAIT_MS_MAX } from "./limits.ts";
import { patience } from "./patience.ts";
import type { Query } from "./query.ts";
import type { Waiting } from "./waiting.ts";

/** The parameters that say so, where records are read. */
export const MIN_OFFSET_PARAMETERS = ["min-offset", "min-offset-wait"] as const;
/** The same where a bucket is read. */
export const MIN_REVISION_PARAMETERS = ["min-revision", "min-revision-wait"] as const;

/** An offset that the end has to pass; nothing where a request can be answered with what is there. */
export type WantedOffset = Pick<AwaitedOffset, "minOffset" | "minOffsetWaitMs"> | undefined;
/** A revision that a bucket has to show; nothing likewise. */
export type WantedRevision =
  | { readonly minRevision: number; readonly minOffsetWaitMs?: number }
  | undefined;

/** What a query asks for. @throws {SeglogError} `invalid-argument` */
export function wantedOffset(query: Query): WantedOffset {
  const minOffset = query.whole("min-offset", 0, Number.MAX_SAFE_INTEGER);
  const waitMs = query.duration("min-offset-wait", WAIT_MS_MAX);
  if (minOffset === undefined) return undefined;
  return { minOffset, ...waitMs === undefined ? {} : { minOffsetWaitMs: waitMs } };
}

/** What a query asks for of a bucket. @throws {SeglogError} `invalid-argument` */
export function wantedRevision(query: Query): WantedRevision {
  const minRevision = query.whole("min-revision", 0, Number.MAX_SAFE_INTEGER - 1);
  const waitMs = query.duration("min-revision-wait", WAIT_MS_MAX);
  if (minRevision === undefined) return undefined;
  return { minRevision, ...waitMs === undefined ? {} : { minOffsetWaitMs: waitMs } };
}

/**
 * Waits until it is there.
 *
 * @throws {SeglogError} `unavailable`, with `minOffset` and `nextOffset`, when it does not come in
 * time or the server stops; `not-found`
 */
export async function waitForWanted(
  waiting: Waiting,
  { topic, partition = 0 }: { readonly topic: string; readonly partition?: number },
  wanted: WantedOffset,
): Promise<void> {
  if (wanted === undefined) return;
  const { visitor, request, services } = waiting;
  const { signal, release } = patience([request.signal, services.stopping, visitor.ended]);
  try {
    await waitForOffset(visitor.backend, topic, { partition, signal, ...wanted });
  } finally {
    release();
  }
}

/** Waits until a bucket shows a revision. @throws {SeglogError} as {@linkcode waitForWanted} */
export async function waitForRevision(
  waiting: Waiting,
  { bucket, snapshot }: BucketPlace,
  wanted: WantedRevision,
): Promise<void> {
  if (wanted === undefined) return;
  if (snapshot !== undefined) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot read: give snapshot or min-revision, not both: a snapshot stays as it is",
    );
  }
  const { minRevision, ...how } = wanted;
  await waitForWanted(waiting, { topic: bucket }, { minOffset: minRevision + 1, ...how });
  const { buckets } = waiting.visitor.tenant;
  await buckets.use(bucket, { create: false }, (kv) => kv.catchUp());
}
