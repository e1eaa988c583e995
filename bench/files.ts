/**
 * What files take.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";

/** Bytes of all files in a folder and below. */
export function bytesIn(folder: string): number {
  return fs.readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? bytesIn(path) : fs.statSync(path).size);
  }, 0);
}
