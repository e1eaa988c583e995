/**
 * What is done in other processes for W6 and for the growth: `fill` makes a log and kills its own
 * process; `open` opens it, measured, and closes it; `grow` opens it, measured, and reads and appends.
 *
 * @module
 */
import process from "node:process";
import { embedded } from "../embedded/all.ts";
import { rateDuring, residentMiB } from "../measure.ts";
import type { Outcome } from "../outcome.ts";
import { FILLED_BATCH } from "../values.ts";
import { type Figures, type Job, numberOf } from "../workload.ts";
import { appendRate, fill, openOptions, openStore, readingAtRandom } from "./stores.ts";

/** How a process ends that a signal killed. */
const KILLED = "ended with 128";

/** The steps by name. */
export const STEPS: Readonly<Record<string, (job: Job) => Promise<Figures>>> = {
  fill: fillAndDie,
  open: openAndClose,
  grow: openAndUse,
};

async function fillAndDie(job: Job): Promise<never> {
  const store = await openStore(job, "buffered");
  await fill(store, { records: numberOf(job.params, "records"), size: FILLED_BATCH });
  die();
}

/** Ends this process as a crash would. */
export function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("This process has survived its own kill");
}

/** Looks how a `fill` in another process ended. @throws {Error} when it failed */
export function checkFilled({ missing, ...outcome }: Outcome): void {
  if (missing === KILLED) return;
  const complaint = "complaint" in outcome ? outcome.complaint : "";
  throw new Error(`could not be filled: it ${missing}. ${complaint}`);
}

async function openAndClose(job: Job): Promise<Figures> {
  const { store, figures } = await openMeasured(job);
  await store.close();
  return figures;
}

async function openAndUse(job: Job): Promise<Figures> {
  const { store, figures } = await openMeasured(job);
  const seconds = numberOf(job.params, "seconds");
  const scan = async () => {
    const count = await store.scan();
    if (count === store.count) return count;
    throw new Error(`${job.system} gave ${count} of ${store.count} records`);
  };
  await scan();
  const scanned = await rateDuring(seconds, scan);
  const readSome = readingAtRandom(store, numberOf(job.params, "records"));
  await rateDuring(seconds / 4, readSome);
  const readsPerSecond = await rateDuring(seconds, readSome);
  const usedMiB = residentMiB();
  const appended = await appendRate(store, { batch: FILLED_BATCH, seconds });
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
