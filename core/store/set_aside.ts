/**
 * Keeps the log of a topic that goes, in the store's `quarantine/`.
 *
 * @module
 */
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { makeFolderDurably } from "../disk/files.ts";
import { LOCK_FILE, QUARANTINE_FOLDER } from "../format/file_names.ts";
import { copyFile } from "./copy_segment.ts";
import { isHintFile } from "./hint_files.ts";

/**
 * Keeps the files of a partition, whose log is closed: linked where that is possible, and else
 * copied. It is durable when it resolves. Nothing is taken away here.
 *
 * @returns the folder that has them: a log by itself
 */
export async function setFolderAside(
  { disk, folder }: { readonly disk: Disk; readonly folder: string },
  name: string,
): Promise<string> {
  const from = join(folder, name);
  const to = freeFolder(disk, join(folder, QUARANTINE_FOLDER, name));
  await makeFolderDurably(disk, to);
  for (const entry of disk.list(from) ?? []) {
    const isPart = !entry.isFolder && entry.name !== LOCK_FILE && !isHintFile(entry.name);
    if (isPart) await keepFile(disk, join(from, entry.name), join(to, entry.name));
  }
  await disk.syncFolder(to);
  return to;
}

async function keepFile(disk: Disk, from: string, to: string): Promise<void> {
  try {
    disk.link(from, to);
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error; // not every file system can
    await copyFile(disk, { from, to }, () => {});
  }
}

function freeFolder(disk: Disk, path: string): string {
  let free = path;
  for (let copy = 2; disk.list(free) !== undefined; copy++) free = `${path}~${copy}`;
  return free;
}
