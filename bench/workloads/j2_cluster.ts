/**
 * J2: what a cluster costs. The same appends and reads on a store on disk, on one nats-server, on a
 * cluster of three, and through a node that has a copy of the latter; each acknowledges what is synced.
 *
 * @module
 */
import type { Backend } from "../../mod.ts";
import { callAll } from "../callers.ts";
import { Witness } from "../embedded/store.ts";
import { Latencies } from "../latencies.ts";
import { millisecondsOf, rateDuring } from "../measure.ts";
import { DURABLE_BACKENDS } from "../servers/durable_backends.ts";
import { batchesOf, FILLED_BATCH, makeValues, randomPlaces } from "../values.ts";
import {
  type Figure,
  type Figures,
  type Job,
  numberOf,
  type Size,
  type Workload,
} from "../workload.ts";
import { secondsOf } from "./figures.ts";

const WARM_UP_SECONDS = 0.2;
const WARM_UP_BATCHES = 10;
const CALLERS = 64;
/** Topics of the workload: one for single records, one that is filled in batches. */
const SINGLE = "single";
const FILLED = "filled";
const RECORDS = { short: 100_000, full: 200_000 } as const;
/** Places that are read in turn. */
const PLACES = 1000;

/** The figures of callers who wait for each call. */
function calls(key: string, part: string, what: string): Figure[] {
  return [
    { key: `${key}PerSecond`, part, label: what, better: "more", isCompared: true },
    { key: `${key}P50Ms`, part, label: "p50 ms", better: "less" },
    { key: `${key}P99Ms`, part, label: "p99 ms", better: "less" },
  ];
}

const SCANNED: Figure = {
  key: "scannedPerSecond",
  part: "1 caller reads all back",
  label: "records/s",
  better: "more",
  isCompared: true,
};

export const j2: Workload = {
  name: "J2",
  title: "A store on disk, a server, a cluster of three, and a node of it",
  figures: [
    ...calls("one", "1 caller appends a record at a time", "records/s"),
    ...calls("many", `${CALLERS} callers append a record at a time`, "records/s"),
    ...calls(
      "batch",
      `1 caller appends batches of ${FILLED_BATCH.toLocaleString("en")}`,
      "records/s",
    ),
    SCANNED,
    ...calls("read", "1 caller reads single records at random", "reads/s"),
    ...calls("own", "1 caller appends a record and reads it", "times/s"),
  ],
  systems: Object.keys(DURABLE_BACKENDS),
  startsPrograms: true,
  cases: (size: Size) => [{
    name: "synced each",
    params: { records: RECORDS[size], seconds: secondsOf(size) },
  }],
  async run({ system, params, folder }: Job) {
    const open = DURABLE_BACKENDS[system];
    if (open === undefined) throw new RangeError(`There is no backend "${system}"`);
    const { backend, stop } = await open(folder);
    try {
      const seconds = numberOf(params, "seconds");
      for (const topic of [SINGLE, FILLED]) await backend.ensureTopic(topic, { sync: "always" });
      return {
        ...await appendSingle(backend, seconds),
        ...await useFilled(backend, { records: numberOf(params, "records"), seconds }),
      };
    } finally {
      await stop();
    }
  },
};

/** Appends single records, and reads what was appended just now. */
async function appendSingle(backend: Backend, seconds: number): Promise<Figures> {
  const values = makeValues();
  const append = (i: number) => backend.append(SINGLE, [{ value: values[i % values.length]! }]);
  const appendAndRead = async (i: number) => {
    const { start } = await append(i);
    await backend.read(SINGLE, start);
  };
  return {
    ...await measured("one", append, { callers: 1, seconds }),
    ...await measured("many", append, { callers: CALLERS, seconds }),
    ...await measured("own", appendAndRead, { callers: 1, seconds }),
  };
}

/** Fills a topic in batches, and reads it: all of it, and single records. */
async function useFilled(
  backend: Backend,
  { records, seconds }: { records: number; seconds: number },
): Promise<Figures> {
  const witness = new Witness();
  const batches = batchesOf(makeValues(), FILLED_BATCH)
    .map((values) => values.map((value) => ({ value })));
  const append = (i: number) => backend.append(FILLED, batches[i % batches.length]!);
  const scan = async () => {
    let count = 0;
    for await (const batch of backend.batches(FILLED)) {
      for (const { value } of batch.records()) witness.see(value!);
      count += batch.header.recordCount;
    }
    if (count === records) return count;
    throw new Error(`${count} of ${records} records were read back`);
  };
  const places = randomPlaces(PLACES, records)();
  const read = async (i: number) => {
    witness.see((await backend.read(FILLED, places[i % PLACES]!)).value!);
  };
  return {
    ...await filled(append, records / FILLED_BATCH),
    ...await scanned(scan, seconds),
    ...await measured("read", read, { callers: 1, seconds }),
  };
}

async function filled(append: (i: number) => unknown, batches: number): Promise<Figures> {
  const latencies = new Latencies();
  for (let i = 0; i < WARM_UP_BATCHES; i++) await append(i);
  const filledMs = await millisecondsOf(async () => {
    for (let i = WARM_UP_BATCHES; i < batches; i++) {
      latencies.add(await millisecondsOf(() => append(i)));
    }
  });
  const batchPerSecond = (batches - WARM_UP_BATCHES) * FILLED_BATCH / filledMs * 1000;
  const { p50Ms: batchP50Ms, p99Ms: batchP99Ms } = latencies.figures();
  return { batchPerSecond, batchP50Ms, batchP99Ms };
}

async function scanned(scan: () => Promise<number>, seconds: number): Promise<Figures> {
  await scan();
  return { scannedPerSecond: await rateDuring(seconds, scan) };
}

/** What callers came to, after a warm-up. @param key begins the names of the figures */
async function measured(
  key: string,
  call: (i: number) => Promise<unknown>,
  { callers, seconds }: { callers: number; seconds: number },
): Promise<Figures> {
  await callAll(call, { callers, seconds: WARM_UP_SECONDS });
  const { perSecond, p50Ms, p99Ms } = await callAll(call, { callers, seconds });
  return { [`${key}PerSecond`]: perSecond, [`${key}P50Ms`]: p50Ms, [`${key}P99Ms`]: p99Ms };
}
