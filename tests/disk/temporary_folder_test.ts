import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { removeAbandonedFolders, TemporaryFolder } from "../../core/disk/temporary_folder.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";

const REMOVER = fileURLToPath(new URL("./folder_remover.ts", import.meta.url));
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
  fs.writeFileSync(join(dir.path, "seglog-query-file"), "none of ours");
  removeAbandonedFolders(PREFIX, dir.path);
  const left = fs.readdirSync(dir.path).filter((name) => name !== held.path.split("/").at(-1));
  assert.deepEqual(left.toSorted(), [
    "seglog-query-being-made",
    "seglog-query-elsewhere",
    "seglog-query-file",
    "somebody-elses",
  ]);
  assert.ok(fs.existsSync(held.path));
  assert.ok(fs.existsSync(join(dir.path, "somebody-elses", "0.sqlite")));
  held.remove();
  assert.ok(!fs.existsSync(held.path));
  removeAbandonedFolders(PREFIX, join(dir.path, "none")); // which is no reason not to start
});

test("a folder that is being made is not taken for one that was left behind", async () => {
  await using dir = tempDir();
  const [program, ...args] = thisRuntime().command;
  const remover = spawn(program, [...args, REMOVER, PREFIX, dir.path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(remover, "close");
  try {
    const isThere = await Promise.race([
      once(remover.stdout, "data").then(() => true), // it has begun, and goes on
      ended.then(() => false),
    ]);
    assert.ok(isThere);
    for (let i = 0; i < 100; i++) {
      const folder = new TemporaryFolder(PREFIX, dir.path);
      fs.writeFileSync(join(folder.path, "0.sqlite"), "rows");
      folder.remove();
    }
    assert.equal(remover.exitCode ?? remover.signalCode, null, "it went on until now");
  } finally {
    remover.kill("SIGKILL");
    await ended;
  }
});
