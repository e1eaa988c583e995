/**
 * Q1: queries by SQL over a served topic of JSON lines, one after the other on one connection: how long
 * the view takes to be made, how soon single records are found by their offset and by an index on a
 * path into their values, and how long it takes to group all of them.
 *
 * @module
 */
import { join } from "node:path";
import { Store } from "../../mod.ts";
import { makeAccessLog } from "../access_log.ts";
import { Latencies } from "../latencies.ts";
import { seglogCommand, serve } from "../servers/seglog_server.ts";
import { randomPlaces } from "../values.ts";
import { type Figures, type Job, numberOf, type Size, type Workload } from "../workload.ts";

const TOPIC = "access";
const BATCH = 1000;
const PATH = "$.remote_addr";

export const q1: Workload = {
  name: "Q1",
  title: "Queries by SQL",
  figures: [
    { key: "pointP50Ms", label: "by offset, p50 ms", better: "less" },
    { key: "pointP99Ms", label: "by offset, p99 ms", better: "less" },
    { key: "indexedP50Ms", label: "by index, p50 ms", better: "less" },
    { key: "indexedP99Ms", label: "by index, p99 ms", better: "less" },
    { key: "groupMs", label: "group all, ms", better: "less" },
    { key: "viewSeconds", label: "view made, s", better: "less" },
    { key: "indexSeconds", label: "index made, s", better: "less" },
  ],
  systems: ["seglog"],
  startsPrograms: true,
  cases: (size: Size) => {
    const records = size === "short" ? 100_000 : 1_000_000;
    return [{
      name: `${records.toLocaleString("en")} records`,
      params: { records, queries: size === "short" ? 500 : 2000 },
    }];
  },
  async run({ params, folder }: Job): Promise<Figures> {
    const records = numberOf(params, "records");
    const data = join(folder, "data");
    const clients = await fill(data, records);
    const server = await serve(seglogCommand(), data);
    try {
      const ask = (body: unknown) => patiently(server.address, body);
      const viewSeconds = await secondsOf(() => ask({ sql: `select 1 from ${TOPIC} limit 1` }));
      await post(`${server.address}/v1/topics/${TOPIC}/indexes`, { path: PATH });
      const one = `select count(*) from ${TOPIC} where value ->> '${PATH}' = ?`;
      const indexSeconds = await secondsOf(() => ask({ sql: one, params: [clients[0]] }));
      const count = numberOf(params, "queries");
      const places = [...randomPlaces(count, records)()];
      const point = await latenciesOf(places, (place) =>
        ask({
          sql: `select value from ${TOPIC} where offset = ?`,
          params: [place],
        }));
      const found = `select offset, value ->> '$.path' from ${TOPIC} where value ->> '${PATH}' = ?`;
      const indexed = await latenciesOf(places, (place) =>
        ask({
          sql: `${found} order by offset desc limit 10`,
          params: [clients[place % clients.length]],
        }));
      const groups = `select value ->> '$.status' status, count(*), sum(value ->> '$.bytes_sent')
        from ${TOPIC} group by status`;
      const groupMs = 1000 * await secondsOf(() => ask({ sql: groups, timeoutMs: 60_000 }));
      return {
        ...{ pointP50Ms: point.p50Ms, pointP99Ms: point.p99Ms },
        ...{ indexedP50Ms: indexed.p50Ms, indexedP99Ms: indexed.p99Ms },
        ...{ groupMs, viewSeconds, indexSeconds },
      };
    } finally {
      await server.stop();
    }
  },
};

/** Appends lines of an access log. @returns the clients that are in it */
async function fill(folder: string, count: number): Promise<string[]> {
  const lines = makeAccessLog(count);
  await using store = await Store.open(folder, { defaults: { sync: "os" } });
  for (let at = 0; at < count; at += BATCH) {
    const batch = lines.slice(at, at + BATCH);
    await store.append(TOPIC, batch.map((value) => ({ value, type: "json" })));
  }
  const decoder = new TextDecoder();
  return lines.slice(0, BATCH).map((line) => JSON.parse(decoder.decode(line)).remote_addr);
}

/** Asks until the view is there. */
async function patiently(address: string, body: unknown): Promise<void> {
  for (;;) {
    const status = await post(`${address}/v1/query`, body);
    if (status === 200) return;
    if (status !== 503) throw new Error(`A query was answered with ${status}`);
  }
}

async function post(url: string, body: unknown): Promise<number> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await answer.text();
  return answer.status;
}

async function latenciesOf(
  places: readonly number[],
  ask: (place: number) => Promise<void>,
): Promise<{ p50Ms: number; p99Ms: number }> {
  const latencies = new Latencies();
  for (const place of places) {
    const startMs = performance.now();
    await ask(place);
    latencies.add(performance.now() - startMs);
  }
  return latencies.figures();
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (performance.now() - startMs) / 1000;
}
