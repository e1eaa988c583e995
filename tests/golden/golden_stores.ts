/**
 * Whole stores that pin version 1: how their folders were made, and what must be read from them.
 * Log ids and salts are random, so these are read again and never written again.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { type Bounds, type Clock, json, readRecords, Store } from "../../mod.ts";
import { type FlatRecord, flatten } from "./flat_record.ts";

/** What a partition of a golden store holds. */
export interface GoldenPartition extends Bounds {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly FlatRecord[];
}

/** The folders in `v1/`: closed in good order, and left as by a crash. */
export const GOLDEN_STORES = ["store-closed", "store-crashed"] as const;

/** The name of the file beside a golden store that says what it holds. */
export function contentFileName(store: string): string {
  return `${store}.json`;
}

const STANDING_CLOCK: Clock = {
  now: () => Date.UTC(2026, 10, 20, 12),
  after: () => () => {},
};

/** Makes both golden stores in `folder`. */
export async function makeGoldenStores(folder: string): Promise<void> {
  const [closed, crashed] = GOLDEN_STORES.map((name) => join(folder, name)) as [string, string];
  const store = await Store.open(closed, { clock: STANDING_CLOCK });
  await fill(store);
  fs.cpSync(closed, crashed, { recursive: true });
  const active = join(crashed, "orders-0", newestSegment(join(crashed, "orders-0")));
  fs.appendFileSync(active, "half of a batch that a crash cut short");
  const content = await contentOf(store);
  await store.close();
  for (const path of [closed, crashed]) {
    fs.rmSync(join(path, "LOCK"), { force: true });
    fs.writeFileSync(`${path}.json`, `${JSON.stringify(content, null, 1)}\n`);
  }
}

/** Everything that can be read from a store. */
export async function contentOf(store: Store): Promise<GoldenPartition[]> {
  const content: GoldenPartition[] = [];
  for (const { name, config } of await store.listTopics()) {
    for (let partition = 0; partition < config.partitions; partition++) {
      const records: FlatRecord[] = [];
      for await (const record of readRecords(store, name, { partition })) {
        records.push(flatten(record));
      }
      const { logStartOffset, durableOffset, nextOffset } = await store.bounds(name, partition);
      const bounds = { logStartOffset, durableOffset, nextOffset };
      content.push({ topic: name, partition, ...bounds, records });
    }
  }
  return content;
}

/** Rolled segments, a gap, a raised start, a producer, compression, partitions, an odd name. */
async function fill(store: Store): Promise<void> {
  await store.ensureTopic("orders", { segmentBytes: 4096 });
  for (let i = 0; i < 24; i++) {
    await store.append("orders", [
      { key: `u${i % 3}`, ...json({ order: i, note: "x".repeat(250) }) },
      { key: `u${i % 3}`, value: null },
    ], { producer: { id: "till-1", epoch: 2, sequence: i } });
  }
  await store.truncate("orders", { before: 15 });
  await store.truncate("orders", { after: 40 });
  await store.append("orders", [{ value: "after the gap", headers: { "ключ": "😀" } }]);

  await store.ensureTopic("Métriques/€", { partitions: 2, compression: "gzip" });
  for (let partition = 0; partition < 2; partition++) {
    const value = new Uint8Array(500).fill(partition);
    await store.append("Métriques/€", [{ value }, { value: "" }], { partition });
  }
  await store.ensureTopic("empty");
}

function newestSegment(folder: string): string {
  return fs.readdirSync(folder).filter((name) => name.endsWith(".log")).toSorted().at(-1)!;
}
