/**
 * Makes the folders of a new topic, before the catalogue names it.
 *
 * @module
 */
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { LogCaches } from "../log/caches.ts";
import { openOwnedLog, type OwnedLogOptions } from "../log/open_log.ts";

/**
 * Makes an empty log in each folder. A crash on the way leaves folders that no catalogue names;
 * they hold no records, and are taken over here.
 *
 * @throws {SeglogError} `exists` when a folder holds records that no catalogue names; `io` or
 * `disk-full` for a failure of the disk, after which it can be tried again
 */
export async function prepareTopicFolders(
  disk: Disk,
  options: { store: string; lock: DiskLock; partitions: readonly string[]; nowMs: number },
): Promise<void> {
  const { store, lock, partitions, nowMs } = options;
  const { files } = new LogCaches();
  for (const name of partitions) {
    const folder = join(store, name);
    try {
      await prepareFolder(folder, { disk, lock, files, name, nowMs, create: true });
    } catch (error) {
      throw lock.isHeld() ? asUndone(error, folder) : error;
    }
  }
}

async function prepareFolder(folder: string, options: OwnedLogOptions): Promise<void> {
  const { state } = await openOwnedLog(folder, options);
  try {
    if (state.nextOffset > 0) {
      throw new SeglogError(
        "exists",
        `Cannot create a topic in ${folder}: the folder holds ${state.nextOffset} records of a topic that is not in the catalogue. Move it away`,
      );
    }
    await state.markClean();
  } finally {
    state.close();
  }
}

/** What is in doubt of a log that no catalogue names does not matter: there is no topic yet. */
function asUndone(error: unknown, folder: string): unknown {
  if (!(error instanceof SeglogError) || error.code !== "poisoned") return error;
  return new SeglogError(
    "io",
    `Cannot create a topic in ${folder}: its manifest could not be made durable`,
    { cause: error },
  );
}
