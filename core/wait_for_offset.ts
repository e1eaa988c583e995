/**
 * Waiting until the end of a partition has passed an offset: for what was written by way of another
 * backend that shows the same topics, and is a moment behind or ahead.
 *
 * @module
 */
import type { Backend, Bounds, ReadOptions } from "./backend.ts";
import { wakefulClock } from "./base/clock.ts";
import { SeglogError } from "./base/errors.ts";
import { MIN_OFFSET_WAIT_MS_DEFAULT } from "./base/limits.ts";
import type { BatchView } from "./format/batch.ts";

/** What a reader wants to be there before it reads. */
export interface AwaitedOffset
  extends Pick<ReadOptions, "partition" | "minOffsetWaitMs" | "signal"> {
  /** As in {@linkcode ReadOptions}: the end that an append told. */
  readonly minOffset: number;
}

/**
 * Waits until `nextOffset` is `minOffset` or more. It follows the partition meanwhile, and returns as
 * soon as the records are there.
 *
 * @returns where the partition starts and ends then
 * @throws {SeglogError} `unavailable`, with `minOffset` and `nextOffset` in its details, when that
 * did not come in time, or `signal` was aborted; `not-found`; what `Backend.batches` throws
 *
 * @example
 * ```ts
 * import { Store, waitForOffset } from "seglog";
 *
 * await using store = await Store.memory();
 * const { end } = await store.append("orders", [{ value: "a" }]);
 * const { nextOffset } = await waitForOffset(store, "orders", { minOffset: end });
 * console.assert(nextOffset === 1);
 * ```
 */
export async function waitForOffset(
  backend: Pick<Backend, "bounds" | "batches">,
  topic: string,
  awaited: AwaitedOffset,
): Promise<Bounds> {
  const { partition = 0, minOffset, signal } = awaited;
  const waitMs = awaited.minOffsetWaitMs ?? MIN_OFFSET_WAIT_MS_DEFAULT;
  let bounds = await backend.bounds(topic, partition);
  if (bounds.nextOffset >= minOffset) return bounds;
  const waiting = new AbortController();
  const end = () => waiting.abort();
  const cancel = wakefulClock.after(waitMs, end);
  signal?.addEventListener("abort", end, { once: true });
  if (signal?.aborted) end();
  const range = { partition, until: minOffset, follow: true, signal: waiting.signal };
  try {
    while (bounds.nextOffset < minOffset && !waiting.signal.aborted) {
      await walk(backend.batches(topic, { ...range, from: bounds.nextOffset }));
      bounds = await backend.bounds(topic, partition); // also where no record moved the end
    }
  } finally {
    cancel();
    signal?.removeEventListener("abort", end);
  }
  if (bounds.nextOffset >= minOffset) return bounds;
  throw notThereYet({ topic, partition, minOffset, waitMs }, bounds);
}

/**
 * `Backend.batches` with a `minOffset`, made of the same without one and of `bounds`: what a backend
 * does that knows of no better way to wait.
 */
export async function* batchesOnceThere(
  backend: Pick<Backend, "bounds" | "batches">,
  topic: string,
  { minOffset = 0, minOffsetWaitMs = MIN_OFFSET_WAIT_MS_DEFAULT, ...range }: ReadOptions,
): AsyncGenerator<BatchView, void, undefined> {
  try {
    await waitForOffset(backend, topic, { ...range, minOffset, minOffsetWaitMs });
  } catch (error) {
    if (range.signal?.aborted) return;
    throw error;
  }
  yield* backend.batches(topic, range);
}

/** Reads to the end. What is gone in between is of no concern: only where the end is. */
async function walk(batches: AsyncIterable<BatchView>): Promise<void> {
  try {
    for await (const _ of batches);
  } catch (error) {
    const isGone = error instanceof SeglogError &&
      (error.code === "offset-out-of-range" || error.code === "lost");
    if (!isGone) throw error;
  }
}

function notThereYet(
  { topic, partition, minOffset, waitMs }: {
    topic: string;
    partition: number;
    minOffset: number;
    waitMs: number;
  },
  { nextOffset }: Bounds,
): SeglogError {
  return new SeglogError(
    "unavailable",
    `Cannot read partition ${partition} of "${topic}" yet: its end has to pass ${minOffset}, and was ` +
      `${nextOffset} after ${waitMs} ms; try again, or ask with a longer wait`,
    { details: { topic, partition, minOffset, nextOffset } },
  );
}
