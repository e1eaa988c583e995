/**
 * Opening and filling a key-value store for a workload, which is not measured, and drawing what is
 * done with it.
 *
 * @module
 */
import { kvSystem } from "../kv/all.ts";
import { keyOf } from "../kv/keys.ts";
import type { Entry, KvStore, Operation } from "../kv/kv_store.ts";
import { makeValues, randomNumbers, randomPlaces } from "../values.ts";
import type { Job, Size } from "../workload.ts";

/** Operations between two looks at the clock, and entries that are made at a time. */
const STEP_OPERATIONS = 500;
/** Of the keys that a store is read with. */
const KEYS = { short: 200_000, full: 1_000_000 } as const;

/** How many keys are there when a store is read, and how a table says it. */
export function keysOf(size: Size): { readonly keys: number; readonly name: string } {
  const keys = KEYS[size];
  return { keys, name: `${keys / 1e6} M keys` };
}

/** The job's system, opened in the job's folder. */
export async function openKv({ system, folder }: Job): Promise<KvStore> {
  return await (await kvSystem(system)).open(folder);
}

/** What a store is filled with. */
interface Filling {
  readonly keys: number;
  /** In a transaction; 1 for none. */
  readonly batch: number;
}

/** The same, filled to be read: it has settled. */
export async function openFilledKv(job: Job, filling: Filling): Promise<KvStore> {
  const store = await openKv(job);
  await fillKv(store, filling);
  await store.settle?.();
  return store;
}

/** Sets the keys of the numbers in `[0, keys)`. */
export async function fillKv(store: KvStore, { keys, batch }: Filling): Promise<void> {
  const values = makeValues();
  const size = batch === 1 ? STEP_OPERATIONS : batch;
  for (let from = 0; from < keys; from += size) {
    const entries = entriesOf(values, { from, until: Math.min(keys, from + size) });
    await (batch === 1 ? store.runEach(entries) : store.setAll(entries));
  }
}

/** The keys of the numbers in `[from, until)`, each with a value. */
export function entriesOf(
  values: readonly Uint8Array[],
  { from, until }: { from: number; until: number },
): Entry[] {
  return Array.from({ length: until - from }, (_, i) => ({
    key: keyOf(from + i),
    value: values[(from + i) % values.length]!,
  }));
}

/**
 * Gets keys at random, and sets some of them: a step for `rateDuring`.
 *
 * @param setPercent how many of a hundred operations set a key; none unless given
 */
export function usingAtRandom(store: KvStore, keys: readonly string[], setPercent = 0) {
  const drawn = randomPlaces(STEP_OPERATIONS, keys.length);
  const chance = randomNumbers(1);
  const values = setPercent === 0 ? [] : makeValues();
  const valueAt = (place: number) =>
    chance() % 100 < setPercent ? values[place % values.length] : undefined;
  const operations: Operation[] = [];
  return async (): Promise<number> => {
    const places = drawn();
    for (let i = 0; i < STEP_OPERATIONS; i++) {
      const place = places[i]!;
      operations[i] = { key: keys[place]!, value: valueAt(place) };
    }
    await store.runEach(operations);
    return STEP_OPERATIONS;
  };
}
