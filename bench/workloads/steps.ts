/**
 * What W6 has done in other processes: `fill` makes a log and kills its own process; `open` opens
 * it, measured, and closes it.
 *
 * @module
 */
import process from "node:process";
import { embedded } from "../embedded/all.ts";
import { residentMiB } from "../measure.ts";
import { type Figures, type Job, numberOf } from "../workload.ts";
import { fill, openStore } from "./stores.ts";

/** The steps by name. */
export const STEPS: Readonly<Record<string, (job: Job) => Promise<Figures>>> = {
  fill: fillAndDie,
  open,
};

async function fillAndDie(job: Job): Promise<never> {
  const store = await openStore(job, "buffered");
  await fill(store, { records: numberOf(job.params, "records"), size: 1000 });
  process.kill(process.pid, "SIGKILL");
  throw new Error("This process has survived its own kill");
}

async function open({ system, params, folder }: Job): Promise<Figures> {
  const { open } = await embedded(system);
  const startMs = performance.now();
  const store = await open(folder, { promised: "buffered" });
  const openMs = performance.now() - startMs;
  const records = numberOf(params, "records");
  if (store.count !== records) {
    throw new Error(`${system} has ${store.count} of ${records} records after it was opened`);
  }
  const figures = { openMs, residentMiB: residentMiB() };
  await store.close();
  return figures;
}
