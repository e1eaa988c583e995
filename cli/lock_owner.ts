/**
 * Who owns a folder of data, as seen from outside.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { lockOpenFile, readLockNote } from "../core/disk/lock.ts";
import { LOCK_FILE } from "../core/format/file_names.ts";

/** What its owner says of itself, `pid 7, since …`; `undefined` when nobody owns it. */
export function lockOwner(folder: string): string | undefined {
  const path = join(folder, LOCK_FILE);
  if (!existsSync(path)) return undefined; // to ask would make it
  const lock = lockOpenFile(path);
  if (lock === undefined) return readLockNote(path) || "somebody";
  lock.release();
  return undefined;
}
