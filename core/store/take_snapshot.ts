/**
 * Makes one more snapshot in a folder of snapshots, whole or not at all, from whatever it is made.
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
  /** Bytes of segments, or of what a backend sent, that were copied, each batch checked. */
  readonly copiedBytes: number;
  /** Bytes of segments that the snapshot before had already; they were not read again. */
  readonly linkedBytes: number;
  /** Damage in the store: the snapshot has it as it is. */
  readonly problems: readonly VerifyProblem[];
}

/** Where a snapshot is made. */
export interface SnapshotPlace {
  /** Its folder, which is there, and empty. */
  readonly path: string;
  /** The folder of the snapshot before; nothing where there is none. */
  readonly earlier: string | undefined;
}

/**
 * Makes a snapshot, named by the time. What backups that were cut short have left is cleared away.
 *
 * @param target the folder of the snapshots, made when needed
 * @param make puts a whole store in a folder, and marks it as unfinished until then
 * @throws {SeglogError} `locked` when another backup writes there; `invalid-argument` when `target` is
 * a store itself; what `make` throws: then there is no new snapshot
 */
export async function takeSnapshot(
  target: string,
  { disk = nodeDisk, clock = systemClock }: BackupOptions,
  make: (place: SnapshotPlace) => Promise<LogCopy>,
): Promise<BackupReport> {
  const folder = resolve(target);
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
    const copy = await makeOrRemove(disk, {
      path: join(folder, name),
      earlier: earlier === undefined ? undefined : join(folder, earlier),
    }, make);
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

/** When it cannot be made, it is gone again, here or at the next backup. */
async function makeOrRemove(
  disk: Disk,
  place: SnapshotPlace,
  make: (place: SnapshotPlace) => Promise<LogCopy>,
): Promise<LogCopy> {
  try {
    await makeFolderDurably(disk, place.path);
    return await make(place);
  } catch (error) {
    disk.removeFolder(place.path);
    throw error;
  }
}
