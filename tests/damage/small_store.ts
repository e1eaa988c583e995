import { join } from "node:path";
import {
  type Disk,
  formatRecordShape,
  json,
  Log,
  MemoryDisk,
  Store,
  type TopicConfig,
} from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import type { Files } from "./map_disk.ts";

export const STORE = "/store";
const SEGMENT_AGE_MS = 1000;

/** A store as files, and all that can be read of it. */
export interface SmallStore {
  readonly files: Files;
  /** Whether its logs were closed well; else they are as a crash leaves them. */
  readonly isClosed: boolean;
  /** The logs by their folder. */
  readonly logs: ReadonlyMap<string, LogTruth>;
}

/** What a log holds while it is whole. */
export interface LogTruth {
  readonly logStartOffset: number;
  readonly nextOffset: number;
  /** The shapes of all records by their offset. */
  readonly records: ReadonlyMap<number, string>;
  /** For the time of each record, the first offset that is as young. */
  readonly times: ReadonlyMap<number, number>;
  /** Where its active segment begins. */
  readonly activeBaseOffset: number;
  /** The path of the active segment. */
  readonly activePath: string;
}

/**
 * Two topics of three segments each. `orders` has a batch of two records with headers, one of a
 * producer, a compressed one and a tombstone; of `events`, the first batch is half truncated.
 */
export async function smallStore(options: { readonly isClosed: boolean }): Promise<SmallStore> {
  const disk = new MemoryDisk();
  const clock = new FakeClock(1_700_000_000_000);
  const store = await Store.open(STORE, { disk, clock });
  const topic: Partial<TopicConfig> = { segmentAgeMs: SEGMENT_AGE_MS };
  await store.ensureTopic("orders", topic);
  await store.ensureTopic("events", topic);

  await store.append("orders", [
    { key: "u1", ...json({ qty: 2 }), headers: { trace: "a1" } },
    { key: "u2", value: "two" },
  ]);
  await store.append("orders", [{ value: "once" }], {
    producer: { id: "p", epoch: 1, sequence: 0 },
  });
  await store.append("events", [{ value: "gone" }, { value: "half" }]);
  clock.advance(SEGMENT_AGE_MS);
  await store.configureTopic("orders", { compression: "gzip" });
  await store.append("orders", [{ value: "again ".repeat(20) }]);
  await store.configureTopic("orders", { compression: "none" });
  await store.append("orders", [{ key: "u1", value: null }]);
  await store.append("events", [{ value: "b" }]);
  clock.advance(SEGMENT_AGE_MS);
  for (const value of ["x", "y", "z"]) await store.append("orders", [{ value }]);
  for (const value of ["c", "d"]) await store.append("events", [{ value }]);
  await store.truncate("events", { before: 1 });

  const killed = filesOf(disk, STORE);
  await store.close();
  const files = options.isClosed ? filesOf(disk, STORE) : killed;
  const logs = new Map<string, LogTruth>();
  for (const folder of ["orders-0", "events-0"]) {
    logs.set(join(STORE, folder), await truthOf(disk, join(STORE, folder)));
  }
  return { files, isClosed: options.isClosed, logs };
}

/** All that can be read of a whole log, which was closed. */
export async function truthOf(disk: Disk, folder: string): Promise<LogTruth> {
  await using log = await Log.open(folder, { disk, readOnly: true });
  const records = new Map<number, string>();
  const timestamps: { offset: number; timestamp: number }[] = [];
  for await (const record of log.records()) {
    records.set(record.offset, formatRecordShape(record));
    timestamps.push(record);
  }
  const times = new Map(timestamps.map(({ timestamp: wanted }) => {
    return [wanted, timestamps.find(({ timestamp }) => timestamp >= wanted)!.offset];
  }));
  const { logStartOffset, nextOffset } = log;
  const paths = (disk.list(folder) ?? []).map(({ name }) => name)
    .filter((name) => name.endsWith(".log")).toSorted();
  const activePath = join(folder, paths.at(-1)!);
  const activeBaseOffset = Number(paths.at(-1)!.slice(0, -".log".length));
  return { logStartOffset, nextOffset, records, times, activePath, activeBaseOffset };
}

/** All files in a folder and those below it. */
export function filesOf(disk: Disk, folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, isFolder } of disk.list(folder) ?? []) {
    const path = join(folder, name);
    if (isFolder) {
      for (const [inner, bytes] of filesOf(disk, path)) files.set(inner, bytes);
      continue;
    }
    const file = disk.open(path, "read");
    const bytes = new Uint8Array(file.size());
    file.read(bytes, 0);
    file.close();
    files.set(path, bytes);
  }
  return files;
}
