/**
 * Which file a path stands for: one that was removed and made anew is another one.
 *
 * @module
 */
import * as fs from "node:fs";

/** Tells the file at a path from another that comes to have its name; empty where there is none. */
export function identityOf(path: string): string {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
}
