/** Removes what was left behind in a folder, again and again, until it is killed. */
import * as fs from "node:fs";
import process from "node:process";
import { removeAbandonedFolders } from "../../core/disk/temporary_folder.ts";

const [prefix, parent] = process.argv.slice(2);
for (let i = 0;; i++) {
  removeAbandonedFolders(prefix!, parent!);
  if (i === 0) fs.writeSync(1, "begun\n");
}
