/**
 * Makes a store from a snapshot.
 *
 * @module
 */
import { resolve } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { makeFolderDurably } from "../disk/files.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import { LOCK_FILE } from "../format/file_names.ts";
import { lockFolder } from "../log/open_log.ts";
import { copyStore } from "./copy_store.ts";
import { checkOutsideStores, findSnapshot } from "./snapshots.ts";
import { verify } from "./verify.ts";
import type { VerifyReport } from "./verify_report.ts";

/** How a snapshot is restored. */
export interface RestoreOptions {
  /** The name of the snapshot, when `source` is a folder of several; the newest unless given. */
  readonly snapshot?: string;
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
  /** Is told again and again how many bytes have been copied. */
  readonly onProgress?: (copiedBytes: number) => void;
}

/** What a restore did. */
export interface RestoreReport extends VerifyReport {
  /** The folder that was restored from. */
  readonly source: string;
  /** The folder of the new store. */
  readonly target: string;
}

/**
 * Makes a store from a snapshot, and verifies it. Everything is copied, so the store can be written
 * to without touching the snapshot; offsets go on where the snapshot ends.
 *
 * A crash leaves a folder that is marked as unfinished: it does not open as a store, is not repaired
 * into one, and a second restore refuses it.
 *
 * @param source a snapshot's folder, or the folder of several
 * @param target where the store will be: a folder that is empty or not there yet
 * @returns what verifying the new store found: `ok` is false when it is damaged
 * @throws {SeglogError} `not-found` when no snapshot is there, or only an unfinished one; `exists`
 * when `target` is not empty; `locked`; `corrupt` when the snapshot's catalogue is damaged;
 * `disk-full`
 *
 * @example
 * ```ts
 * import { backup, MemoryDisk, restore, Store } from "seglog";
 *
 * const disk = new MemoryDisk(); // leave it out for the file system
 * await using store = await Store.open("/data", { disk });
 * await store.append("orders", [{ value: "a" }]);
 * await backup("/data", "/backups", { disk });
 *
 * const { ok } = await restore("/backups", "/restored", { disk });
 * await using again = await Store.open("/restored", { disk });
 * const { start } = await again.append("orders", [{ value: "b" }]);
 * console.assert(ok && start === 1);
 * ```
 */
export async function restore(
  source: string,
  target: string,
  options: RestoreOptions = {},
): Promise<RestoreReport> {
  const { disk = nodeDisk, onProgress } = options;
  const from = findSnapshot(disk, resolve(source), options.snapshot);
  const to = resolve(target);
  checkOutsideStores(disk, to, `restore to ${to}`);
  checkEmpty(disk, to);
  await makeFolderDurably(disk, to);
  const lock = lockFolder(disk, to); // nobody opens it before it is verified
  try {
    checkEmpty(disk, to);
    let copiedBytes = 0;
    await copyStore({ disk, from, to, onBytes: (bytes) => onProgress?.(copiedBytes += bytes) });
    return { source: from, target: to, ...verify(to, { disk }) };
  } finally {
    lock.release();
  }
}

/** A lock alone does not count: it is what is left where a store was never made. */
function checkEmpty(disk: Disk, target: string): void {
  const entries = disk.list(target) ?? [];
  const isFile = disk.sizeOf(target) !== undefined;
  if (!isFile && entries.every(({ name }) => name === LOCK_FILE)) return;
  throw new SeglogError(
    "exists",
    `Cannot restore to ${target}: it is ${isFile ? "a file" : "not empty"}, and nothing is ` +
      "overwritten. Name another folder; if a restore was cut short there, remove it first",
  );
}
