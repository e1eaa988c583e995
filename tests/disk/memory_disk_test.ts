import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../core/base/bytes.ts";
import { readFile, replaceFile } from "../../core/disk/files.ts";
import { MemoryDisk } from "../../core/disk/memory_disk.ts";
import { diskSuite } from "./disk_suite.ts";

const FOLDER = join("/", "memory");
const PATH = join(FOLDER, "a");

diskSuite("memory disk", () => {
  const disk = emptyDisk();
  return { disk, folder: FOLDER, [Symbol.asyncDispose]: () => Promise.resolve() };
});

test("crash() keeps what was synced and loses the rest", async () => {
  const disk = emptyDisk();
  const file = disk.create(PATH);
  file.write(encodeUtf8("synced"), 0);
  await file.sync();
  await disk.syncFolder(FOLDER);
  file.write(encodeUtf8(", not synced"), 6);
  file.write(encodeUtf8("S"), 0);
  disk.crash();
  assert.equal(textAt(disk, PATH), "synced");
});

test("crash() loses a file whose folder was not synced, synced or not itself", async () => {
  const disk = emptyDisk();
  const file = disk.create(PATH);
  file.write(encodeUtf8("x"), 0);
  await file.sync();
  disk.crash();
  assert.equal(disk.sizeOf(PATH), undefined);
});

test("crash() leaves a file empty whose folder alone was synced", async () => {
  const disk = emptyDisk();
  disk.create(PATH).write(encodeUtf8("x"), 0);
  await disk.syncFolder(FOLDER);
  disk.crash();
  assert.equal(textAt(disk, PATH), "");
});

test("crash() takes back a removal, a rename and a truncation that were not synced", async () => {
  const disk = emptyDisk();
  for (const name of ["removed", "from", "to", "cut"]) {
    const file = disk.create(join(FOLDER, name));
    file.write(encodeUtf8(`content of ${name}`), 0);
    await file.sync();
  }
  await disk.syncFolder(FOLDER);
  disk.removeFile(join(FOLDER, "removed"));
  disk.rename(join(FOLDER, "from"), join(FOLDER, "to"));
  disk.open(join(FOLDER, "cut"), "write").truncate(3);
  disk.crash();
  for (const name of ["removed", "from", "to", "cut"]) {
    assert.equal(textAt(disk, join(FOLDER, name)), `content of ${name}`);
  }
});

test("crash() loses a link whose folder was not synced, and what it stands for stays", async () => {
  const disk = emptyDisk();
  const linked = join(FOLDER, "sub", "linked");
  disk.makeFolder(join(FOLDER, "sub"));
  const file = disk.create(PATH);
  file.write(encodeUtf8("synced"), 0);
  await file.sync();
  await disk.syncFolder(FOLDER);
  disk.link(PATH, linked);
  disk.crash();
  assert.equal(disk.sizeOf(linked), undefined);
  assert.equal(textAt(disk, PATH), "synced");
  disk.link(PATH, linked);
  await disk.syncFolder(join(FOLDER, "sub"));
  file.write(encodeUtf8(", not synced"), 6);
  disk.removeFile(PATH);
  await disk.syncFolder(FOLDER);
  disk.crash();
  assert.equal(disk.sizeOf(PATH), undefined);
  assert.equal(textAt(disk, linked), "synced");
});

test("crash() at any step of replaceFile() leaves the old content or the new", async () => {
  for (let steps = 0; steps < 8; steps++) {
    const disk = emptyDisk();
    await replaceFile(disk, PATH, encodeUtf8("old"));
    const stopping = stopAfter(disk, steps);
    const outcome = await replaceFile(stopping, PATH, encodeUtf8("new")).then(
      () => "done",
      () => "cut short",
    );
    disk.crash();
    const content = textAt(disk, PATH);
    assert.ok(content === "old" || content === "new", content);
    if (outcome === "done") assert.equal(content, "new");
    await replaceFile(disk, PATH, encodeUtf8("next"));
    assert.equal(textAt(disk, PATH), "next");
  }
});

test("crash() frees every lock", async () => {
  const disk = emptyDisk();
  assert.ok(await disk.tryLock(join(FOLDER, "LOCK"), ""));
  disk.crash();
  assert.ok(await disk.tryLock(join(FOLDER, "LOCK"), ""));
});

test("whatever was done to a file, crash() goes back to its last sync", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("write" as const), at: fc.nat(40), bytes: fc.uint8Array() }),
    fc.record({ do: fc.constant("append" as const), at: fc.nat(0), bytes: fc.uint8Array() }),
    fc.record({ do: fc.constant("cut" as const), at: fc.nat(40), bytes: fc.constant(NONE) }),
    fc.record({ do: fc.constant("sync" as const), at: fc.nat(0), bytes: fc.constant(NONE) }),
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const disk = emptyDisk();
    const file = disk.create(PATH);
    await disk.syncFolder(FOLDER);
    let now: Uint8Array = NONE;
    let synced: Uint8Array = NONE;
    for (const { do: action, at, bytes } of steps) {
      const position = action === "append" ? now.length : at;
      if (action === "sync") {
        await file.sync();
        synced = now;
      } else if (action === "cut") {
        file.truncate(at);
        now = sized(now, at);
      } else if (bytes.length > 0) {
        file.write(bytes, position);
        const grown = sized(now, Math.max(now.length, position + bytes.length));
        grown.set(bytes, position);
        now = grown;
      }
      assert.deepEqual(readFile(disk, PATH, 1 << 20), now);
    }
    disk.crash();
    assert.deepEqual(readFile(disk, PATH, 1 << 20), synced);
  }));
});

const NONE = new Uint8Array(0);

function emptyDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  disk.makeFolder(FOLDER);
  return disk;
}

function textAt(disk: MemoryDisk, path: string): string {
  return decodeUtf8(readFile(disk, path, 1 << 20)!);
}

/** A copy with exactly `size` bytes, zeros where there were none. */
function sized(bytes: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(size);
  copy.set(bytes.subarray(0, size));
  return copy;
}

/** The same disk, whose changes fail after `steps` of them. */
function stopAfter(disk: MemoryDisk, steps: number): MemoryDisk {
  let left = steps;
  const changes = new Set(["create", "rename", "removeFile", "syncFolder", "write", "sync"]);
  const guarded = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, name) {
        const member = Reflect.get(object, name, object);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (changes.has(String(name)) && left-- <= 0) throw new Error("the power is out");
          const result = member.apply(object, args);
          return name === "create" || name === "open" ? guarded(result) : result;
        };
      },
    });
  return guarded(disk);
}
