/**
 * Opening and filling a log for a workload, which is not measured.
 *
 * @module
 */
import { embedded } from "../embedded/all.ts";
import type { EmbeddedStore, Promised } from "../embedded/store.ts";
import { rateDuring } from "../measure.ts";
import { batchesOf, makeValues } from "../values.ts";
import type { Job } from "../workload.ts";

/** Records that are appended before an append is measured, so that all code has run before. */
const WARM_UP_RECORDS = 20_000;

/** The job's system, opened in the job's folder. */
export async function openStore(job: Job, promised: Promised): Promise<EmbeddedStore> {
  return await (await embedded(job.system)).open(job.folder, { promised });
}

/** All values in batches of `size`, as callers of the store hold them. */
export function preparedBatches(store: EmbeddedStore, size: number): unknown[] {
  return batchesOf(makeValues(), size).map((values) => store.prepare(values));
}

/** Appends records in batches of `size`. */
export async function fill(
  store: EmbeddedStore,
  { records, size }: { records: number; size: number },
): Promise<void> {
  const batches = preparedBatches(store, size);
  for (let i = 0; i < records / size; i++) await store.append(batches[i % batches.length]);
}

/** How many records a second one caller appends, each batch after the one before. */
export async function appendRate(
  store: EmbeddedStore,
  { batch, seconds }: { batch: number; seconds: number },
): Promise<number> {
  const batches = preparedBatches(store, batch);
  for (let i = 0; i < WARM_UP_RECORDS / batch; i++) await store.append(batches[i % batches.length]);
  return await rateDuring(seconds, (i) => {
    const appended = store.append(batches[i % batches.length]);
    return appended === undefined ? batch : appended.then(() => batch);
  });
}
