/**
 * Opening and filling a log for a workload, which is not measured.
 *
 * @module
 */
import { embedded } from "../embedded/all.ts";
import type { EmbeddedStore, OpenOptions, Promised } from "../embedded/store.ts";
import { rateDuring } from "../measure.ts";
import { batchesOf, makeValues, randomPlaces } from "../values.ts";
import type { Job, Params } from "../workload.ts";

/** Reads between two looks at the clock. */
const READS_PER_STEP = 500;
/** Records that are appended before an append is measured, so that all code has run before. */
const WARM_UP_RECORDS = 20_000;

/** The job's system, opened in the job's folder. */
export async function openStore(job: Job, promised: Promised): Promise<EmbeddedStore> {
  return await (await embedded(job.system)).open(job.folder, openOptions(job.params, promised));
}

/** How a job wants its system to be opened. */
export function openOptions(params: Params, promised: Promised): OpenOptions {
  const { topics, segmentBytes } = params as Partial<Record<string, number>>;
  return { promised, topics, segmentBytes };
}

/** Reads the places of a store at random: a step for {@linkcode rateDuring}. */
export function readingAtRandom(store: EmbeddedStore, records: number) {
  const drawn = randomPlaces(READS_PER_STEP, records);
  return async (): Promise<number> => {
    await store.readEach(drawn());
    return READS_PER_STEP;
  };
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
