/** A store with a bit of everything, and all that can be read of a store. */
import { join } from "node:path";
import { type Disk, readRecords, Store } from "../../mod.ts";
import { collect } from "../support/collect.ts";

const VALUE = "x".repeat(700);

/** Fills a store with topics that differ in all that a copy could lose. */
export async function fillRichly(store: Store): Promise<void> {
  await store.ensureTopic("orders", { partitions: 2, segmentBytes: 4096 });
  await store.ensureTopic("Métriques/€", { compression: "zstd", segmentBytes: 4096 });
  await store.ensureTopic("kept", { retentionRecords: 7, segmentBytes: 4096 });
  await store.ensureTopic("empty");
  await store.ensureTopic("deleted");
  for (let i = 0; i < 20; i++) {
    const value = `${i} ${VALUE}`;
    await store.append("orders", [{ key: `k${i}`, value, headers: { n: `${i}` } }], {
      partition: i % 2,
      producer: { id: "p", epoch: 1, sequence: Math.floor(i / 2) },
    });
    await store.append("Métriques/€", [{ value }, { value: new Uint8Array([i, 0]) }]);
    await store.append("kept", [{ value }]);
    await store.append("deleted", [{ value }]);
  }
  await store.append("cut", Array.from({ length: 9 }, (_, i) => ({ value: `cut ${i}` })));
  await store.truncate("cut", { after: 5 });
  await store.append("cut", [{ value: "behind the gap" }, { value: null }]);
  await store.truncate("cut", { before: 2 });
  await store.truncate("orders", { before: 3, partition: 1 });
  await store.maintain();
  await store.deleteTopic("deleted");
}

/** Makes one more record in every topic but those in which nothing should change. */
export async function appendEverywhere(store: Store, text: string): Promise<void> {
  for (const { name, config } of await store.listTopics()) {
    for (let partition = 0; partition < config.partitions; partition++) {
      await store.append(name, [{ value: `${text} ${VALUE}` }], { partition });
    }
  }
}

/** Everything that can be read of a store, as text that can be compared. */
export async function contentOf(folder: string, disk?: Disk): Promise<Record<string, unknown>> {
  await using store = await Store.open(folder, { readOnly: true, disk });
  const content: Record<string, unknown> = {};
  for (const { name, id, config } of await store.listTopics()) {
    content[name] = { id, config };
    for (let partition = 0; partition < config.partitions; partition++) {
      content[`${name}-${partition}`] = await partitionState(store, name, partition);
    }
  }
  return content;
}

/** Bounds and records of one partition. */
export async function partitionState(store: Store, topic: string, partition = 0) {
  const { logStartOffset, nextOffset } = await store.bounds(topic, partition);
  const records = await collect(readRecords(store, topic, { partition }));
  return {
    logStartOffset,
    nextOffset,
    records: records.map(({ offset, key, value, headers, timestamp, type }) =>
      JSON.stringify([offset, timestamp, type, textOf(key), textOf(value), headers])
    ),
  };
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : String.fromCharCode(...bytes);
}

/** All files below a folder with their bytes, locks left out. */
export function filesOf(disk: Disk, folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isFolder } of disk.list(folder) ?? []) {
    const path = join(folder, name);
    if (isFolder) Object.assign(files, filesOf(disk, path));
    else if (name !== "LOCK") files[path] = bytesOf(disk, path).toString();
  }
  return files;
}

/** The bytes of a file. */
export function bytesOf(disk: Disk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}
