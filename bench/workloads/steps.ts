/**
 * What is done in other processes for W6 and for the growth: `fill` makes a log and kills its own
 * process; `open` opens it, measured, and closes it; `grow` opens it, measured, and reads and appends.
 *
 * @module
 */
import process from "node:process";
import { embedded } from "../embedded/all.ts";
import { rateDuring, residentMiB } from "../measure.ts";
import { type Figures, type Job, numberOf } from "../workload.ts";
import { appendRate, fill, openOptions, openStore, readingAtRandom } from "./stores.ts";

const BATCH = 1000;

/** The steps by name. */
export const STEPS: Readonly<Record<string, (job: Job) => Promise<Figures>>> = {
  fill: fillAndDie,
  open: openAndClose,
  grow: openAndUse,
};

async function fillAndDie(job: Job): Promise<never> {
  const store = await openStore(job, "buffered");
  await fill(store, { records: numberOf(job.params, "records"), size: BATCH });
  process.kill(process.pid, "SIGKILL");
  throw new Error("This process has survived its own kill");
}

async function openAndClose(job: Job): Promise<Figures> {
  const { store, figures } = await openMeasured(job);
  await store.close();
  return figures;
}

async function openAndUse(job: Job): Promise<Figures> {
  const { store, figures } = await openMeasured(job);
  const seconds = numberOf(job.params, "seconds");
  await store.scan();
  const scanned = await rateDuring(seconds, () => store.scan());
  const readSome = readingAtRandom(store, numberOf(job.params, "records"));
  await rateDuring(seconds / 4, readSome);
  const readsPerSecond = await rateDuring(seconds, readSome);
  const usedMiB = residentMiB();
  const appended = await appendRate(store, { batch: BATCH, seconds });
  await store.close();
  return { ...figures, appended, scanned, readsPerSecond, usedMiB };
}

/** Opens a log that has been filled, and looks whether all of it is there. */
async function openMeasured({ system, params, folder }: Job) {
  const { open } = await embedded(system);
  const startMs = performance.now();
  const store = await open(folder, openOptions(params, "buffered"));
  const openMs = performance.now() - startMs;
  const records = numberOf(params, "records");
  if (store.count !== records) {
    throw new Error(`${system} has ${store.count} of ${records} records after it was opened`);
  }
  return { store, figures: { openMs, residentMiB: residentMiB() } };
}
