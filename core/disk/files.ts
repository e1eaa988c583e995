/**
 * What is made of the disk's primitives, the same on every disk.
 *
 * @module
 */
import { dirname } from "node:path";
import { SeglogError } from "../base/errors.ts";
import { READ_BLOCK_BYTES } from "../base/limits.ts";
import type { Disk, DiskFile, DiskLock } from "./disk.ts";

/** What is wrong when a lock is held no longer: goes after "Cannot do this:". */
export const LOCK_IS_LOST =
  "its LOCK file was removed or replaced, so another process may write there";

/** Makes sure that what is about to be changed is still ours. @throws {SeglogError} `poisoned` */
export function checkHeld(lock: DiskLock, action: string): void {
  if (lock.isHeld()) return;
  throw new SeglogError(
    "poisoned",
    `Cannot ${action}: ${LOCK_IS_LOST}. Close it, see who else uses the folder, and open it again`,
  );
}

/**
 * Replaces a file so that a crash leaves the old content or the new, never a mixture.
 *
 * The bytes are synced before the rename makes them the file, and the folder is synced after it,
 * so that the rename itself survives.
 *
 * @param options with the `lock` that makes the file ours; it is asked again after the sync, during
 * which another process may have come
 * @throws {SeglogError} `outcome-unknown` when either content may be there after a crash; with any
 * other code, `poisoned` when the lock is lost, the old content stays
 */
export async function replaceFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  options: { readonly lock?: DiskLock } = {},
): Promise<void> {
  const { lock } = options;
  const temporary = `${path}.tmp`;
  if (lock !== undefined) checkHeld(lock, `replace ${path}`);
  removeIfThere(disk, temporary);
  try {
    await writeNewFile(disk, temporary, bytes);
    if (lock !== undefined) checkHeld(lock, `replace ${path}`);
    disk.rename(temporary, path);
  } catch (error) {
    if (lock?.isHeld() !== false) removeIfThere(disk, temporary);
    throw error;
  }
  try {
    await disk.syncFolder(dirname(path));
  } catch (cause) {
    throw new SeglogError(
      "outcome-unknown",
      `Cannot replace ${path}: it was renamed, and syncing its folder failed`,
      { cause },
    );
  }
}

/** Removes a file that may not be there. */
export function removeIfThere(disk: Disk, path: string): void {
  if (disk.sizeOf(path) !== undefined) disk.removeFile(path);
}

/** Makes a folder, with those above it, that survives a loss of power. */
export async function makeFolderDurably(disk: Disk, folder: string): Promise<void> {
  const parent = dirname(folder);
  const isRoot = parent === folder;
  if (!isRoot && disk.list(parent) === undefined) await makeFolderDurably(disk, parent);
  disk.makeFolder(folder);
  await disk.syncFolder(parent);
}

/** Writes and syncs a file that was not there; the caller syncs the folder. */
export async function writeNewFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = disk.create(path);
  try {
    file.write(bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
}

/** Replaces a file that nobody relies on: nothing is synced, and a crash may leave half of it. */
export function writeHint(disk: Disk, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  removeIfThere(disk, temporary);
  const file = disk.create(temporary);
  try {
    file.write(bytes, 0);
  } finally {
    file.close();
  }
  disk.rename(temporary, path);
}

/**
 * The whole content of a file.
 *
 * @param bytesMax more than this is not read
 * @returns the bytes, or `undefined` when there is no file
 * @throws {SeglogError} `corrupt` when the file is larger than `bytesMax`
 */
export function readFile(disk: Disk, path: string, bytesMax: number): Uint8Array | undefined {
  if (disk.sizeOf(path) === undefined) return undefined;
  const file = disk.open(path, "read");
  try {
    const size = file.size();
    if (size > bytesMax) {
      throw new SeglogError("corrupt", `Cannot read ${path}: ${size} bytes, ${bytesMax} at most`);
    }
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, file.read(bytes, 0));
  } finally {
    file.close();
  }
}

/**
 * Copies bytes `[from, to)` of a file to a new one, replacing one that is there, and syncs it; the
 * caller syncs the folder.
 *
 * @param source to the end of the file unless `to` is given
 * @param start what stands in the copy in the place of its first bytes, if given
 */
export async function copyRange(
  disk: Disk,
  source: { readonly path: string; readonly from: number; readonly to?: number },
  path: string,
  start?: Uint8Array,
): Promise<void> {
  removeIfThere(disk, path);
  const from = disk.open(source.path, "read");
  try {
    const target = disk.create(path);
    try {
      copyBytes(from, source, target);
      if (start !== undefined) target.write(start, 0);
      await target.sync();
    } finally {
      target.close();
    }
  } finally {
    from.close();
  }
}

function copyBytes(
  source: DiskFile,
  { from, to = source.size() }: { readonly from: number; readonly to?: number },
  target: DiskFile,
): void {
  for (const { bytes, position } of blocksOf(source, from, to)) {
    target.write(bytes, position - from);
  }
}

/** The bytes `[from, to)` of a file, by pieces that are valid until the next. */
export function* blocksOf(
  file: DiskFile,
  from: number,
  to: number,
): Generator<{ bytes: Uint8Array; position: number }, void, undefined> {
  const block = new Uint8Array(READ_BLOCK_BYTES);
  for (let position = from; position < to; position += block.length) {
    const wanted = block.subarray(0, Math.min(block.length, to - position));
    yield { bytes: wanted.subarray(0, file.read(wanted, position)), position };
  }
}
