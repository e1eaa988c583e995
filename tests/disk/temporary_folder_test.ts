import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { removeAbandonedFolders, TemporaryFolder } from "../../core/disk/temporary_folder.ts";
import { tempDir } from "../support/temp_dir.ts";

const PREFIX = "seglog-query-";

/** As a kill leaves it: the lock is there, and nobody holds it. */
function abandon(parent: string, name: string): string {
  const path = join(parent, name);
  fs.mkdirSync(path);
  fs.writeFileSync(join(path, "LOCK"), "");
  fs.writeFileSync(join(path, "0.sqlite"), "rows");
  return path;
}

test("a folder of a process that was killed is removed, and no other", async () => {
  await using dir = tempDir();
  const held = new TemporaryFolder(PREFIX, dir.path);
  abandon(dir.path, "seglog-query-killed");
  abandon(dir.path, "somebody-elses");
  fs.mkdirSync(join(dir.path, "seglog-query-being-made"));
  fs.symlinkSync(join(dir.path, "somebody-elses"), join(dir.path, "seglog-query-elsewhere"));
  removeAbandonedFolders(PREFIX, dir.path);
  const left = fs.readdirSync(dir.path).filter((name) => name !== held.path.split("/").at(-1));
  assert.deepEqual(left.toSorted(), [
    "seglog-query-being-made",
    "seglog-query-elsewhere",
    "somebody-elses",
  ]);
  assert.ok(fs.existsSync(held.path));
  assert.ok(fs.existsSync(join(dir.path, "somebody-elses", "0.sqlite")));
  held.remove();
  assert.ok(!fs.existsSync(held.path));
  removeAbandonedFolders(PREFIX, join(dir.path, "none")); // which is no reason not to start
});
