/**
 * Snapshots of a whole store, taken while it is written to.
 *
 * A snapshot is a store by itself. Sealed segments never change, so those that the snapshot before
 * holds already are linked and not copied: each is stored once, and stays for as long as a snapshot
 * has it.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { makeFolderDurably } from "../disk/files.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import { MANIFEST_FILE } from "../format/file_names.ts";
import { lockFolder } from "../log/open_log.ts";
import type { LogCopy } from "./copy_log.ts";
import { copyStore, type StoreCopyTask } from "./copy_store.ts";
import {
  checkOutsideStores,
  describeSnapshot,
  isStore,
  isUnfinished,
  type Snapshot,
  snapshotFolders,
  snapshotName,
  snapshotTime,
} from "./snapshots.ts";
import { existingCatalogue } from "./topic_registry.ts";
import type { VerifyProblem } from "./verify_report.ts";

/** How a backup is made. */
export interface BackupOptions {
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
  /** Time, which names the snapshot; the machine's unless given. */
  readonly clock?: Clock;
  /** Is told again and again how many bytes have been copied. */
  readonly onProgress?: (copiedBytes: number) => void;
}

/** What a backup did. */
export interface BackupReport {
  /** Whether nothing that was copied is damaged. */
  readonly ok: boolean;
  /** The new snapshot. */
  readonly snapshot: Snapshot;
  /** Bytes of segments that were copied, each batch checked. */
  readonly copiedBytes: number;
  /** Bytes of segments that the snapshot before had already; they were not read again. */
  readonly linkedBytes: number;
  /** Damage in the store: the snapshot has it as it is. */
  readonly problems: readonly VerifyProblem[];
}

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
  const { disk = nodeDisk, clock = systemClock, onProgress } = options;
  const [from, folder] = [resolve(source), resolve(target)];
  existingCatalogue(disk, from); // refuses before anything is written
  checkTarget(disk, folder);
  await makeFolderDurably(disk, folder);
  const lock = lockFolder(
    disk,
    folder,
    (holder) =>
      `Cannot back up to ${folder}: another backup (${holder}) writes there; try again when it is done`,
  );
  try {
    const present = clearUnfinished(disk, folder);
    const earlier = present.findLast(({ isWhole }) => isWhole)?.name;
    const name = snapshotName(Math.max(clock.now(), nextTime(present.at(-1)?.name)));
    let copiedBytes = 0;
    const copy = await makeSnapshot({
      disk,
      from,
      to: join(folder, name),
      earlier: earlier === undefined ? undefined : join(folder, earlier),
      onBytes: (bytes) => onProgress?.(copiedBytes += bytes),
    });
    const snapshot = await describeSnapshot(disk, { folder, name });
    return { ok: copy.problems.length === 0, snapshot, ...copy };
  } finally {
    lock.release();
  }
}

function checkTarget(disk: Disk, folder: string): void {
  checkOutsideStores(disk, folder, `back up to ${folder}`);
  const isLog = disk.sizeOf(join(folder, MANIFEST_FILE)) !== undefined;
  if (!isLog && !isStore(disk, folder)) return;
  throw new SeglogError(
    "invalid-argument",
    `Cannot back up to ${folder}: it is ${isLog ? "a log" : "a store"} itself; ` +
      "name a folder for snapshots",
  );
}

/**
 * Removes what backups that were cut short have left, and nothing else.
 *
 * @returns what is left, oldest first
 */
function clearUnfinished(disk: Disk, folder: string): ReturnType<typeof snapshotFolders> {
  return snapshotFolders(disk, folder).filter(({ name }) => {
    const path = join(folder, name);
    if (!isUnfinished(disk, path)) return true;
    disk.removeFolder(path);
    return false;
  });
}

/** The least time of a snapshot after this one: names rise, whatever the clock does. */
function nextTime(last: string | undefined): number {
  return last === undefined ? 0 : snapshotTime(last)! + 1;
}

/** Copies the store into a new folder. When that fails, it is gone again, here or at the next backup. */
async function makeSnapshot(task: StoreCopyTask): Promise<LogCopy> {
  const { disk, to } = task;
  try {
    await makeFolderDurably(disk, to);
    return await copyStore(task);
  } catch (error) {
    disk.removeFolder(to);
    throw error;
  }
}
