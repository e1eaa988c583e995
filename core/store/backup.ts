/**
 * Snapshots of a whole store, taken while it is written to.
 *
 * A snapshot is a store by itself. Sealed segments never change, so those that the snapshot before
 * holds already are linked and not copied: each is stored once, and stays for as long as a snapshot
 * has it.
 *
 * @module
 */
import { resolve } from "node:path";
import { nodeDisk } from "../disk/node_disk.ts";
import { copyStore } from "./copy_store.ts";
import { type BackupOptions, type BackupReport, takeSnapshot } from "./take_snapshot.ts";
import { existingCatalogue } from "./topic_registry.ts";

/**
 * Takes a snapshot of a store. No lock on the store is needed; whoever owns it, this process or
 * another, goes on writing.
 *
 * Everything that was acknowledged before the call is in the snapshot. Of each partition it has the
 * log as it was at one moment: whole batches, without a gap. It is durable when the promise resolves,
 * and a crash before leaves none, and all earlier ones as they were. Damage is copied as it is, and
 * reported.
 *
 * @param source the store's folder
 * @param target the folder for snapshots, made when needed; the new one is a folder in it, named by
 * the time
 * @throws {SeglogError} `not-found` when no store is there; `locked` when another backup writes
 * there; `corrupt` when the store's catalogue is damaged; `disk-full`; `invalid-argument` when
 * `target` is a store itself
 *
 * @example
 * ```ts
 * import { backup, MemoryDisk, readRecords, Store } from "seglog";
 *
 * const disk = new MemoryDisk(); // leave it out for the file system
 * await using store = await Store.open("/data", { disk });
 * await store.append("orders", [{ value: "hello" }]);
 *
 * const { snapshot } = await backup("/data", "/backups", { disk });
 * await store.truncate("orders", { before: 1 });
 *
 * await using then = await Store.open(snapshot.path, { disk, readOnly: true });
 * for await (const record of readRecords(then, "orders")) {
 *   console.assert(record.text === "hello");
 * }
 * ```
 */
export async function backup(
  source: string,
  target: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const { disk = nodeDisk, onProgress } = options;
  const from = resolve(source);
  existingCatalogue(disk, from); // refuses before anything is written
  let copiedBytes = 0;
  const onBytes = (bytes: number) => onProgress?.(copiedBytes += bytes);
  return await takeSnapshot(target, options, async ({ path, earlier }) => {
    return await copyStore({ disk, from, to: path, earlier, onBytes });
  });
}
