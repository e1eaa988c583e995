/** Disks in memory that hold given files, and what they hold afterwards. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DiskFile, MemoryDisk } from "../../mod.ts";
import { READ_BLOCK_BYTES } from "../../core/base/limits.ts";
import { readFile } from "../../core/disk/files.ts";

/** Contents by path. */
export type Files = Readonly<Record<string, Uint8Array>>;

/**
 * A disk in memory on which nobody asks for more than a block, or what a file has: what is read
 * into was allocated for it, and a length that is wrong must not get so far.
 */
class CarefulDisk extends MemoryDisk {
  override open(path: string, mode: "read" | "write"): DiskFile {
    const file = super.open(path, mode);
    return {
      ...bound(file),
      read: (target, position) => {
        const most = Math.max(READ_BLOCK_BYTES, file.size());
        assert.ok(
          target.length <= most,
          `${target.length} bytes asked of ${file.size()} in ${path}`,
        );
        return file.read(target, position);
      },
    };
  }
}

function bound(file: DiskFile): DiskFile {
  return {
    size: () => file.size(),
    read: (target, position) => file.read(target, position),
    write: (bytes, position) => file.write(bytes, position),
    truncate: (size) => file.truncate(size),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

/** A disk with these files, all of them durable. */
export async function diskOf(files: Files): Promise<MemoryDisk> {
  const disk = new CarefulDisk();
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
