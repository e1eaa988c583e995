/**
 * Folders of files that nobody needs when the process is gone that made them. It holds a lock in its
 * own; what a kill leaves behind has a lock that nobody holds, and is removed by whoever comes next.
 *
 * @module
 */
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type LockedFile, lockOpenFile } from "./lock.ts";

const LOCK = "LOCK";
/** What the file with the lock is called until it is locked. */
const UNLOCKED = "LOCK.new";

/** A folder that is this process's until it is removed. */
export class TemporaryFolder {
  /** Where it is. */
  readonly path: string;
  readonly #lock: LockedFile | undefined;

  /**
   * Makes one.
   *
   * @param prefix what its name begins with
   * @param parent that of the system unless given
   */
  constructor(prefix: string, parent: string = tmpdir()) {
    this.path = fs.mkdtempSync(join(parent, prefix));
    const unlocked = join(this.path, UNLOCKED);
    this.#lock = tryLock(unlocked, { create: true });
    try {
      // Without a lock under its name, not yet or never, it is not taken for one that was left behind.
      if (this.#lock === undefined) fs.rmSync(unlocked, { force: true });
      else fs.renameSync(unlocked, join(this.path, LOCK));
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Removes it, and all that is in it. */
  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
    this.#lock?.release();
  }
}

/** Removes those of this user's whose names begin like this, and whose process is gone. */
export function removeAbandonedFolders(prefix: string, parent: string = tmpdir()): void {
  for (const name of namesIn(parent)) {
    const path = join(parent, name);
    if (!name.startsWith(prefix) || !isOwn(path)) continue;
    // Made again it would be in the way of who removes its own folder at this moment.
    const lock = tryLock(join(path, LOCK), { create: false });
    if (lock === undefined) continue;
    fs.rmSync(path, { recursive: true, force: true });
    lock.release();
  }
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch { // then there is nothing that could be removed either
    return [];
  }
}

/** In a folder for everybody others may have made something of the same name, or a way to elsewhere. */
function isOwn(path: string): boolean {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) return false;
  return fs.lstatSync(join(path, LOCK), { throwIfNoEntry: false })?.isFile() === true;
}

/** `undefined` when another process holds it, or when there is no way to lock it. */
function tryLock(path: string, how: { readonly create: boolean }): LockedFile | undefined {
  try {
    return lockOpenFile(path, how);
  } catch {
    return undefined;
  }
}
