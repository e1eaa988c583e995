/** Disks in memory that hold given files, and what they hold afterwards. */
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MemoryDisk } from "../../mod.ts";
import { readFile } from "../../core/disk/files.ts";

/** Contents by path. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** A disk with these files, all of them durable. */
export async function diskOf(files: Files): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  for (const [path, bytes] of Object.entries(files)) {
    disk.makeFolder(dirname(path));
    const file = disk.create(path);
    file.write(bytes, 0);
    await file.sync();
    await disk.syncFolder(dirname(path));
  }
  return disk;
}

/** All files in a folder and those in it, by path. */
export function filesIn(disk: MemoryDisk, folder: string): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const { name, isFolder } of disk.list(folder) ?? []) {
    const path = join(folder, name);
    if (isFolder) Object.assign(files, filesIn(disk, path));
    else files[path] = readFile(disk, path, Infinity)!;
  }
  return files;
}

/** The files of a golden store or log, as if they lay in `folder`. */
export function goldenFiles(golden: string, folder: string): Record<string, Uint8Array> {
  const root = fileURLToPath(new URL(`../golden/v1/${golden}`, import.meta.url));
  const files: Record<string, Uint8Array> = {};
  for (const path of fs.readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const source = join(root, path);
    if (basename(path).includes(".")) {
      files[join(folder, path)] = new Uint8Array(fs.readFileSync(source));
    }
  }
  return files;
}
