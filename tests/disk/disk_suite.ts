/**
 * What every `Disk` promises. The log relies on each line of it, so the disk in memory that crash
 * tests use must keep the same promises as the real one.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../../core/base/bytes.ts";
import type { Disk, DiskFile } from "../../core/disk/disk.ts";
import { readFile, removeIfThere, replaceFile, writeNewFile } from "../../core/disk/files.ts";

/** A disk with an empty folder to work in; disposing removes it. */
export interface DiskFixture extends AsyncDisposable {
  readonly disk: Disk;
  readonly folder: string;
}

/** Runs the suite against fresh disks. */
export function diskSuite(name: string, fixture: () => DiskFixture): void {
  const promise = (what: string, run: (fixture: DiskFixture) => Promise<void> | void) => {
    test(`${name}: ${what}`, async () => {
      await using given = fixture();
      await run(given);
    });
  };

  promise("create() makes a new file and never opens one that is there", ({ disk, folder }) => {
    const path = join(folder, "a");
    const file = disk.create(path);
    assert.equal(file.size(), 0);
    file.write(encodeUtf8("kept"), 0);
    file.close();
    assert.throws(() => disk.create(path), { code: "io", message: new RegExp("/a: ") });
    assert.equal(textOf(disk, path), "kept");
  });

  promise("open() of what is not there is not-found, and names the path", ({ disk, folder }) => {
    for (const mode of ["read", "write"] as const) {
      assert.throws(() => disk.open(join(folder, "absent"), mode), {
        code: "not-found",
        message: /Cannot open .*absent/,
      });
      assert.throws(() => disk.open(join(folder, "no", "such"), mode), { code: "not-found" });
    }
    assert.throws(() => disk.create(join(folder, "no", "such")), { code: "not-found" });
    assert.equal(disk.sizeOf(join(folder, "absent")), undefined);
  });

  promise("a file opened for reading cannot be written", ({ disk, folder }) => {
    const path = join(folder, "a");
    writeText(disk, path, "kept");
    const file = disk.open(path, "read");
    assert.throws(() => file.write(encodeUtf8("x"), 0), { code: "io", message: /Cannot write/ });
    assert.throws(() => file.truncate(0), { code: "io" });
    file.close();
    assert.equal(textOf(disk, path), "kept");
  });

  promise("reads and writes go to their positions", ({ disk, folder }) => {
    const file = disk.create(join(folder, "a"));
    file.write(encodeUtf8("0123456789"), 0);
    file.write(encodeUtf8("AB"), 3);
    assert.equal(readText(file, 10, 0), "012AB56789");
    assert.equal(readText(file, 4, 2), "2AB5");
    assert.equal(file.size(), 10);
    file.close();
  });

  promise("read() returns fewer bytes only at the end of the file", ({ disk, folder }) => {
    const file = disk.create(join(folder, "a"));
    file.write(encodeUtf8("0123456789"), 0);
    const target = new Uint8Array(8).fill(46);
    assert.equal(file.read(target, 6), 4);
    assert.equal(decodeUtf8(target), "6789....");
    assert.equal(file.read(target, 10), 0);
    assert.equal(file.read(target, 1000), 0);
    assert.equal(file.read(new Uint8Array(0), 0), 0);
    file.close();
  });

  promise("a write past the end fills the hole with zeros", ({ disk, folder }) => {
    const file = disk.create(join(folder, "a"));
    file.write(encodeUtf8("ab"), 0);
    file.write(encodeUtf8("c"), 5);
    assert.equal(readText(file, 6, 0), "ab\0\0\0c");
    file.close();
  });

  promise("truncate() cuts, and what grows again is zeros", ({ disk, folder }) => {
    const file = disk.create(join(folder, "a"));
    file.write(encodeUtf8("0123456789"), 0);
    file.truncate(3);
    assert.equal(file.size(), 3);
    file.truncate(6);
    assert.equal(readText(file, 10, 0), "012\0\0\0");
    file.truncate(2);
    file.write(encodeUtf8("x"), 4);
    assert.equal(readText(file, 10, 0), "01\0\0x");
    file.close();
  });

  promise("a large write is written whole", ({ disk, folder }) => {
    const bytes = new Uint8Array(3_000_001).map((_, i) => i % 251);
    const file = disk.create(join(folder, "a"));
    file.write(bytes, 7);
    const back = new Uint8Array(bytes.length + 7);
    assert.equal(file.read(back, 0), back.length);
    assert.ok(back.subarray(7).every((byte, i) => byte === i % 251));
    file.close();
  });

  promise("all who have a file open see what one of them writes", ({ disk, folder }) => {
    const path = join(folder, "a");
    const writer = disk.create(path);
    const reader = disk.open(path, "read");
    writer.write(encodeUtf8("news"), 0);
    assert.equal(readText(reader, 4, 0), "news");
    assert.equal(disk.sizeOf(path), 4);
    writer.close();
    reader.close();
  });

  promise("rename() replaces, and those who had the old file open keep it", ({ disk, folder }) => {
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    writeText(disk, from, "new");
    writeText(disk, to, "old");
    const old = disk.open(to, "read");
    disk.rename(from, to);
    assert.equal(textOf(disk, to), "new");
    assert.equal(disk.sizeOf(from), undefined);
    assert.equal(readText(old, 3, 0), "old");
    old.close();
    assert.throws(() => disk.rename(from, to), { code: "not-found" });
    assert.equal(textOf(disk, to), "new");
  });

  promise("rename() moves a file to another folder", ({ disk, folder }) => {
    disk.makeFolder(join(folder, "sub"));
    writeText(disk, join(folder, "a"), "moved");
    disk.rename(join(folder, "a"), join(folder, "sub", "b"));
    assert.equal(textOf(disk, join(folder, "sub", "b")), "moved");
    assert.equal(disk.sizeOf(join(folder, "a")), undefined);
  });

  promise("link() gives a file a second name, and it stays until both are gone", (given) => {
    const { disk, folder } = given;
    const [first, second] = [join(folder, "first"), join(folder, "sub", "second")];
    disk.makeFolder(join(folder, "sub"));
    writeText(disk, first, "content");
    disk.link(first, second);
    const file = disk.open(second, "write");
    file.write(encodeUtf8("C"), 0);
    file.close();
    assert.equal(textOf(disk, first), "Content");
    disk.removeFile(first);
    assert.equal(disk.sizeOf(first), undefined);
    assert.equal(textOf(disk, second), "Content");
  });

  promise("link() never replaces, and names what is missing", ({ disk, folder }) => {
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    writeText(disk, first, "first");
    writeText(disk, second, "second");
    assert.throws(() => disk.link(first, second), {
      code: "io",
      message: /Cannot link .*first to .*second/,
    });
    assert.equal(textOf(disk, second), "second");
    assert.throws(() => disk.link(join(folder, "absent"), join(folder, "third")), {
      code: "not-found",
    });
    assert.throws(() => disk.link(first, join(folder, "no", "such")), { code: "not-found" });
  });

  promise("a rename over one name leaves what the other stands for", ({ disk, folder }) => {
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    writeText(disk, first, "old");
    disk.link(first, second);
    writeText(disk, join(folder, "new"), "new");
    disk.rename(join(folder, "new"), first);
    assert.equal(textOf(disk, first), "new");
    assert.equal(textOf(disk, second), "old");
  });

  promise("list() names files and folders, and knows a folder from none", ({ disk, folder }) => {
    assert.deepEqual(disk.list(folder), []);
    assert.equal(disk.list(join(folder, "absent")), undefined);
    writeText(disk, join(folder, "file"), "x");
    disk.makeFolder(join(folder, "sub", "deeper"));
    writeText(disk, join(folder, "sub", "inner"), "x");
    assert.deepEqual(sorted(disk.list(folder)), [["file", false], ["sub", true]]);
    assert.equal(disk.list(join(folder, "file")), undefined);
    assert.equal(disk.sizeOf(join(folder, "sub")), undefined);
    assert.deepEqual(sorted(disk.list(join(folder, "sub"))), [["deeper", true], ["inner", false]]);
  });

  promise("makeFolder() may be asked for what is there", ({ disk, folder }) => {
    disk.makeFolder(join(folder, "sub"));
    writeText(disk, join(folder, "sub", "a"), "kept");
    disk.makeFolder(join(folder, "sub"));
    assert.equal(textOf(disk, join(folder, "sub", "a")), "kept");
  });

  promise("removeFile() removes one file, and there must be one", ({ disk, folder }) => {
    writeText(disk, join(folder, "a"), "x");
    writeText(disk, join(folder, "b"), "x");
    disk.removeFile(join(folder, "a"));
    assert.deepEqual(sorted(disk.list(folder)), [["b", false]]);
    assert.throws(() => disk.removeFile(join(folder, "a")), { code: "not-found" });
    removeIfThere(disk, join(folder, "a"));
    removeIfThere(disk, join(folder, "b"));
    assert.deepEqual(disk.list(folder), []);
  });

  promise("removeFolder() removes all that is in it, and nothing beside it", ({ disk, folder }) => {
    disk.makeFolder(join(folder, "sub", "deeper"));
    disk.makeFolder(join(folder, "sub2"));
    writeText(disk, join(folder, "sub", "deeper", "a"), "x");
    disk.removeFolder(join(folder, "sub"));
    assert.deepEqual(sorted(disk.list(folder)), [["sub2", true]]);
    assert.equal(disk.list(join(folder, "sub", "deeper")), undefined);
    disk.removeFolder(join(folder, "sub"));
  });

  promise("sync() and syncFolder() resolve", async ({ disk, folder }) => {
    const file = disk.create(join(folder, "a"));
    file.write(encodeUtf8("x"), 0);
    await Promise.all([file.sync(), file.sync()]);
    file.close();
    await disk.syncFolder(folder);
    await assert.rejects(() => disk.syncFolder(join(folder, "absent")), { code: "not-found" });
  });

  promise("tryLock() is given to one at a time", async ({ disk, folder }) => {
    const path = join(folder, "sub", "LOCK");
    disk.makeFolder(join(folder, "sub"));
    const first = await disk.tryLock(path, "first\n");
    assert.ok(first);
    assert.equal(await disk.tryLock(path, "second\n"), undefined);
    const other = await disk.tryLock(join(folder, "LOCK"), "");
    assert.ok(other, "another file is another lock");
    first.release();
    const third = await disk.tryLock(path, "third\n");
    assert.ok(third);
    third.release();
    other.release();
  });

  promise("a lock is held until it is released, or its file is another's", async (given) => {
    const { disk, folder } = given;
    const path = join(folder, "LOCK");
    const released = disk.tryLock(path, "")!;
    assert.ok(released.isHeld());
    released.release();
    assert.equal(released.isHeld(), false);
    const removed = disk.tryLock(path, "")!;
    disk.removeFile(path);
    assert.equal(removed.isHeld(), false);
    const replaced = disk.tryLock(path, "third\n")!;
    assert.ok(replaced.isHeld(), "the new file is another lock");
    removed.release();
    assert.equal(disk.tryLock(path, "fourth\n"), undefined, "a lost lock gives nothing back");
    assert.ok(replaced.isHeld());
    await writeNewFile(disk, join(folder, "other"), encodeUtf8("other"));
    disk.rename(path, join(folder, "away"));
    disk.rename(join(folder, "other"), path);
    assert.equal(replaced.isHeld(), false);
    disk.rename(join(folder, "away"), path);
    assert.equal(replaced.isHeld(), false, "someone may have come meanwhile");
    replaced.release();
  });

  promise("replaceFile() leaves the new content and no temporary file", async (given) => {
    const { disk, folder } = given;
    const path = join(folder, "a.json");
    await replaceFile(disk, path, encodeUtf8("one"));
    await replaceFile(disk, path, encodeUtf8("two, longer"));
    await replaceFile(disk, path, encodeUtf8("3"));
    assert.equal(textOf(disk, path), "3");
    assert.deepEqual(sorted(disk.list(folder)), [["a.json", false]]);
  });

  promise("replaceFile() is not held up by what a crash left behind", async (given) => {
    const { disk, folder } = given;
    const path = join(folder, "a.json");
    writeText(disk, `${path}.tmp`, "half of something");
    await replaceFile(disk, path, encodeUtf8("whole"));
    assert.equal(textOf(disk, path), "whole");
  });

  promise("readFile() knows empty from absent, and refuses what is too large", async (given) => {
    const { disk, folder } = given;
    const path = join(folder, "a");
    assert.equal(readFile(disk, path, 10), undefined);
    await writeNewFile(disk, path, new Uint8Array(0));
    assert.deepEqual(readFile(disk, path, 10), new Uint8Array(0));
    await writeNewFile(disk, join(folder, "b"), new Uint8Array(11));
    assert.throws(() => readFile(disk, join(folder, "b"), 10), { code: "corrupt" });
    await assert.rejects(() => writeNewFile(disk, path, new Uint8Array(1)), { code: "io" });
  });
}

function writeText(disk: Disk, path: string, text: string): void {
  const file = disk.create(path);
  file.write(encodeUtf8(text), 0);
  file.close();
}

function textOf(disk: Disk, path: string): string {
  return decodeUtf8(readFile(disk, path, 1 << 20)!);
}

function readText(file: DiskFile, length: number, position: number): string {
  const target = new Uint8Array(length);
  return decodeUtf8(target.subarray(0, file.read(target, position)));
}

function sorted(entries: ReturnType<Disk["list"]>): [string, boolean][] {
  return entries!.map(({ name, isFolder }): [string, boolean] => [name, isFolder]).toSorted();
}
