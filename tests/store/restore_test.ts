/** A store made from a snapshot: what it holds, what is refused, and that it can be lived in. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { backup, type Disk, MemoryDisk, nodeDisk, restore, Store, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { appendEverywhere, bytesOf, contentOf, fillRichly } from "./rich_store.ts";

/** A disk with a store of one topic, and two snapshots of it. */
async function twoSnapshots(disk: Disk) {
  await using store = await Store.open("/data", { disk, defaults: { segmentBytes: 4096 } });
  await store.append("t", [{ value: "first" }]);
  const first = (await backup("/data", "/b", { disk })).snapshot;
  await store.append("t", [{ value: "second" }]);
  const second = (await backup("/data", "/b", { disk })).snapshot;
  return { first, second };
}

describe("restore()", () => {
  for (const kind of ["in memory", "on disk"] as const) {
    test(`gives back all of a store, ${kind}, and offsets go on`, async () => {
      await using dir = tempDir();
      const disk: Disk = kind === "on disk" ? nodeDisk : new MemoryDisk();
      const [data, backups, target] = ["data", "backups", "deep/restored"]
        .map((name) => join(dir.path, name)) as [string, string, string];
      const content = await (async () => {
        await using store = await Store.open(data, { disk });
        await fillRichly(store);
        return await contentOf(data, disk);
      })();
      const { snapshot } = await backup(data, backups, { disk });
      let copied = 0;
      const report = await restore(backups, target, {
        disk,
        onProgress: (bytes) => copied = bytes,
      });
      assert.deepEqual([report.ok, report.problems], [true, []]);
      assert.deepEqual([report.source, report.target], [snapshot.path, target]);
      assert.equal(copied, snapshot.bytes);
      assert.deepEqual(await contentOf(target, disk), content);

      const [lived, untouched] = [
        await Store.open(target, { disk }),
        await Store.open(data, { disk }),
      ];
      for (const store of [lived, untouched]) await appendEverywhere(store, "next");
      for (const { name, config } of await untouched.listTopics()) {
        for (let partition = 0; partition < config.partitions; partition++) {
          assert.deepEqual(
            await lived.bounds(name, partition),
            await untouched.bounds(name, partition),
            `${name} partition ${partition}`,
          );
        }
      }
      const retry = { partition: 1, producer: { id: "p", epoch: 1, sequence: 9 } };
      const [first, again] = [
        await untouched.append("orders", [{ value: "?" }], retry),
        await lived.append("orders", [{ value: "?" }], retry),
      ];
      assert.deepEqual(again, first, "a retry finds the first try");
      await lived.close();
      await untouched.close();
      assert.equal(verify(target, { disk }).ok, true);
      assert.deepEqual(await contentOf(snapshot.path, disk), content, "the snapshot is untouched");
    });
  }

  test("shares no file with the snapshot", async () => {
    await using dir = tempDir();
    const [data, target] = [join(dir.path, "data"), join(dir.path, "restored")];
    {
      await using store = await Store.open(data, { defaults: { segmentBytes: 4096 } });
      for (let i = 0; i < 8; i++) await store.append("t", [{ value: "x".repeat(1500) }]);
    }
    await backup(data, join(dir.path, "b"));
    await restore(join(dir.path, "b"), target);
    for (const name of fs.readdirSync(join(target, "t-0"))) {
      assert.equal(fs.statSync(join(target, "t-0", name)).nlink, 1, name);
    }
  });

  test("takes the newest snapshot, or the one that is named, by name or by its folder", async () => {
    const disk = new MemoryDisk();
    const { first, second } = await twoSnapshots(disk);
    const nextAfter = async (source: string, target: string, snapshot?: string) => {
      await restore(source, target, { disk, ...snapshot === undefined ? {} : { snapshot } });
      await using store = await Store.open(target, { disk, readOnly: true });
      return (await store.bounds("t")).nextOffset;
    };
    assert.equal(await nextAfter("/b", "/newest"), 2);
    assert.equal(await nextAfter("/b", "/named", first.name), 1);
    assert.equal(await nextAfter(first.path, "/folder"), 1);
    assert.equal(await nextAfter(second.path, "/folder2"), 2);
  });

  test("of a folder that is in use gives a copy like a backup", async () => {
    const disk = new MemoryDisk();
    await using store = await Store.open("/data", { disk });
    await store.append("t", [{ value: "a" }]);
    assert.equal((await restore("/data", "/copy", { disk })).ok, true);
    await store.append("t", [{ value: "b" }]);
    await using copy = await Store.open("/copy", { disk });
    assert.equal((await copy.append("t", [{ value: "c" }])).start, 1);
  });

  test("refuses a folder that is not empty, and leaves all in it alone", async () => {
    const disk = new MemoryDisk();
    await twoSnapshots(disk);
    for (
      const [name, fill] of [
        ["a file in it", () => disk.create("/target/notes.txt").close()],
        ["a folder in it", () => disk.makeFolder("/target/folder")],
        ["a store", () => restore("/b", "/target", { disk })],
      ] as const
    ) {
      disk.removeFolder("/target");
      disk.makeFolder("/target");
      await fill();
      const before = disk.list("/target");
      const error = await rejectsWith("exists", () => restore("/b", "/target", { disk }));
      assert.match(error.message, /\/target: it is not empty.*remove it/, name);
      assert.deepEqual(disk.list("/target"), before);
    }
    disk.makeFolder("/");
    disk.create("/file").close();
    assert.match(
      (await rejectsWith("exists", () => restore("/b", "/file", { disk }))).message,
      /a file/,
    );
    disk.makeFolder("/empty");
    assert.equal((await restore("/b", "/empty", { disk })).ok, true);
  });

  test("refuses what is no snapshot, and what a backup did not finish", async () => {
    const disk = new MemoryDisk();
    const { first, second } = await twoSnapshots(disk);
    const refused = async (source: string, snapshot?: string) => {
      const options = { disk, ...snapshot === undefined ? {} : { snapshot } };
      const { message } = await rejectsWith("not-found", () => restore(source, "/target", options));
      assert.equal(disk.list("/target"), undefined);
      return message;
    };
    assert.match(await refused("/no"), /no such folder/);
    assert.match(await refused("/b", "yesterday"), /no snapshot yesterday/);
    disk.removeFile(join(second.path, "store.json"));
    assert.match(await refused("/b", second.name), /unfinished snapshot/);
    assert.match(await refused(second.path), /unfinished snapshot/);
    disk.removeFile(join(first.path, "store.json"));
    assert.match(await refused("/b"), /no whole snapshot/);
    disk.makeFolder("/stuff");
    assert.match(await refused("/stuff"), /no whole snapshot/);
  });

  test("holds the lock of the new store until it is verified", async () => {
    const disk = new TrickDisk();
    await twoSnapshots(disk);
    let tries = 0;
    disk.holdSync = async (path) => {
      if (!path.startsWith("/target/")) return;
      tries++;
      const code = await Store.open("/target", { disk }).then(() => "open", ({ code }) => code);
      assert.ok(code === "locked" || code === "corrupt", code);
      await rejectsWith("exists", () => restore("/b", "/target", { disk }));
    };
    assert.equal((await restore("/b", "/target", { disk })).ok, true);
    assert.ok(tries > 3);
    await (await Store.open("/target", { disk })).close();
  });

  test("the snapshot's bytes are copied as they are", async () => {
    const disk = new MemoryDisk();
    const { second } = await twoSnapshots(disk);
    await restore("/b", "/target", { disk });
    for (const { name } of disk.list("/target/t-0")!) {
      const [one, other] = [join(second.path, "t-0", name), join("/target/t-0", name)];
      assert.deepEqual(bytesOf(disk, other), bytesOf(disk, one), name);
    }
  });
});
