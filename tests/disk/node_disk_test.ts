import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { nodeDisk } from "../../core/disk/node_disk.ts";
import { tempDir } from "../support/temp_dir.ts";
import { diskSuite } from "./disk_suite.ts";

diskSuite("node disk", () => {
  const dir = tempDir();
  return {
    disk: nodeDisk,
    folder: dir.path,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
});

test("node disk: reads and writes past 4 GiB", async () => {
  await using dir = tempDir();
  const file = nodeDisk.create(join(dir.path, "sparse"));
  const far = 5 * 2 ** 30;
  file.write(Uint8Array.of(1, 2, 3), far);
  const back = new Uint8Array(4);
  assert.equal(file.read(back, far - 1), 4);
  assert.deepEqual([...back], [0, 1, 2, 3]);
  assert.equal(file.size(), far + 3);
  file.close();
});

const isRoot = process.getuid?.() === 0;
test(
  "node disk: what the operating system does not permit is an io error with its cause",
  { skip: isRoot ? "root may write everywhere" : false },
  async () => {
    await using dir = tempDir();
    fs.chmodSync(dir.path, 0o500);
    assert.throws(() => nodeDisk.create(join(dir.path, "a")), (error: Error) => {
      assert.match(error.message, /Cannot open .*not permitted/);
      assert.ok(error.cause instanceof Error);
      return true;
    });
    fs.chmodSync(dir.path, 0o700);
  },
);

test("node disk: a folder is not a file", async () => {
  await using dir = tempDir();
  assert.throws(() => nodeDisk.open(dir.path, "write"), { code: "io" });
  fs.writeFileSync(join(dir.path, "file"), "");
  assert.throws(() => nodeDisk.makeFolder(join(dir.path, "file")), { code: "io" });
  assert.equal(nodeDisk.list(join(dir.path, "file")), undefined);
});

test("node disk: a full device is disk-full", {
  skip: fs.existsSync("/dev/full") ? false : "there is no /dev/full",
}, () => {
  const file = nodeDisk.open("/dev/full", "write");
  assert.throws(() => file.write(Uint8Array.of(1), 0), { code: "disk-full" });
  file.close();
});
