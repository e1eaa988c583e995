/**
 * What is done in other processes for K5: `kv-fill` makes a key-value store and kills its own
 * process; `kv-open` opens it until a first get is answered, measured, and closes it.
 *
 * @module
 */
import { kvSystem } from "../kv/all.ts";
import { keyOf } from "../kv/keys.ts";
import { residentMiB } from "../measure.ts";
import { FILLED_BATCH, randomPlaces } from "../values.ts";
import { type Figures, type Job, numberOf } from "../workload.ts";
import { fillKv, openKv } from "./kv_stores.ts";
import { die } from "./steps.ts";

/** Keys that are looked for when a store is open again. */
const CHECKED_KEYS = 1000;

/** The steps by name. */
export const KV_STEPS: Readonly<Record<string, (job: Job) => Promise<Figures>>> = {
  "kv-fill": fillAndDie,
  "kv-open": openAndClose,
};

async function fillAndDie(job: Job): Promise<never> {
  const store = await openKv(job);
  await fillKv(store, { keys: numberOf(job.params, "keys"), batch: FILLED_BATCH });
  die();
}

async function openAndClose({ system, params, folder }: Job): Promise<Figures> {
  const keys = numberOf(params, "keys");
  const { open } = await kvSystem(system);
  const startMs = performance.now();
  const store = await open(folder);
  await store.runEach([{ key: keyOf(keys - 1), value: undefined }]);
  const openMs = performance.now() - startMs;
  const figures = { openMs, residentMiB: residentMiB() };
  const others = Array.from(randomPlaces(CHECKED_KEYS, keys)(), keyOf);
  await store.runEach(others.map((key) => ({ key, value: undefined }))); // throws for one that is lost
  await store.close();
  return figures;
}
