/** Snapshots of a whole store: what is in them, what they share, and what nothing can do to them. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { encodeChecked } from "../../core/base/checked_document.ts";
import { readManifest } from "../../core/log/manifest.ts";
import {
  backup,
  type Disk,
  listSnapshots,
  MemoryDisk,
  nodeDisk,
  restore,
  SeglogError,
  Store,
  verify,
} from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { appendEverywhere, bytesOf, contentOf, fillRichly } from "./rich_store.ts";

/** Fills three segments and more. */
async function appendBatches(store: Store, text: string, count = 12): Promise<void> {
  for (let i = 0; i < count; i++) await store.append("t", [{ value: text.repeat(1500) }]);
}

const small = { defaults: { segmentBytes: 4096 } };

describe("backup()", () => {
  for (const kind of ["in memory", "on disk"] as const) {
    test(`a snapshot holds all of a store, ${kind}, and is a store by itself`, async () => {
      await using dir = tempDir();
      const disk: Disk = kind === "on disk" ? nodeDisk : new MemoryDisk();
      const [data, backups] = [join(dir.path, "data"), join(dir.path, "backups")];
      const store = await Store.open(data, { disk });
      await fillRichly(store);
      const before = await contentOf(data, disk);
      const report = await backup(data, backups, { disk });
      assert.deepEqual([report.ok, report.problems, report.linkedBytes], [true, [], 0]);
      assert.deepEqual(await contentOf(report.snapshot.path, disk), before);
      assert.deepEqual(verify(report.snapshot.path, { disk }).problems, []);
      const infos = await Promise.all(
        (await store.listTopics()).map(({ name }) => store.describeTopic(name)),
      );
      const partitions = infos.flatMap((info) => info.partitions);
      assert.equal(report.snapshot.topics, infos.length);
      assert.equal(report.snapshot.records, partitions.reduce((sum, p) => sum + p.records, 0));
      assert.equal(report.snapshot.bytes, partitions.reduce((sum, p) => sum + p.bytes, 0));
      assert.equal(report.copiedBytes, report.snapshot.bytes);
      await store.close();
      await using again = await Store.open(report.snapshot.path, { disk });
      await appendEverywhere(again, "more");
      assert.equal((await again.bounds("cut")).nextOffset, 12);
    });
  }

  test("a snapshot stays what it was, whatever happens to the store", async () => {
    await using dir = tempDir();
    const [data, backups] = [join(dir.path, "data"), join(dir.path, "backups")];
    const store = await Store.open(data);
    await fillRichly(store);
    const states: [string, Record<string, unknown>][] = [];
    const snap = async () => {
      const { snapshot } = await backup(data, backups);
      states.push([snapshot.path, await contentOf(data)]);
    };
    await snap();
    await appendEverywhere(store, "second");
    await snap();
    await store.truncate("orders", { before: 8, partition: 0 });
    await store.truncate("Métriques/€", { after: 3 });
    await store.configureTopic("kept", { retentionRecords: 2 });
    await store.maintain();
    await appendEverywhere(store, "third");
    await snap();
    await store.deleteTopic("orders");
    await store.append("orders", [{ value: "another topic of that name" }]);
    await snap();
    await store.close();
    fs.rmSync(data, { recursive: true });
    for (const [path, content] of states) {
      assert.deepEqual(await contentOf(path), content);
      assert.equal(verify(path).ok, true);
    }
    // Removing one does not take anything from the others.
    fs.rmSync(states[1]![0], { recursive: true });
    for (const at of [0, 2, 3]) {
      assert.deepEqual(await contentOf(states[at]![0]), states[at]![1]);
    }
  });

  test("sealed segments are stored once: the second backup copies what is new", async () => {
    await using dir = tempDir();
    const [data, backups] = [join(dir.path, "data"), join(dir.path, "backups")];
    await using store = await Store.open(data, small);
    await appendBatches(store, "a");
    const first = await backup(data, backups);
    await appendBatches(store, "b", 3);
    const second = await backup(data, backups);
    await store.append("t", [{ value: "c" }]);
    const third = await backup(data, backups);

    const files = ({ snapshot }: { snapshot: { path: string } }) => {
      const folder = join(snapshot.path, "t-0");
      const names = fs.readdirSync(folder).filter((name) => name.endsWith(".log")).toSorted();
      return names.map((name) => ({ name, ...stat(join(folder, name)) }));
    };
    const stat = (path: string) => {
      const { ino, size } = fs.statSync(path);
      return { ino, size };
    };
    const [a, b, c] = [files(first), files(second), files(third)];
    const sealed = a.slice(0, -1);
    assert.ok(sealed.length >= 4);
    assert.deepEqual(b.slice(0, sealed.length), sealed, "the same files");
    assert.deepEqual(c.slice(0, b.length - 1), b.slice(0, -1));
    for (const [one, other] of [[a, b], [b, c]] as const) {
      assert.notEqual(one.at(-1)!.ino, other[one.length - 1]!.ino, "an active one is copied");
    }
    const bytesOfAll = (list: { size: number }[]) => list.reduce((sum, { size }) => sum + size, 0);
    assert.equal(second.linkedBytes, bytesOfAll(sealed));
    assert.equal(second.copiedBytes, bytesOfAll(b.slice(sealed.length)));
    assert.equal(third.linkedBytes, bytesOfAll(b.slice(0, -1)));
    assert.equal(third.copiedBytes, bytesOfAll(c.slice(b.length - 1)));
  });

  test("where files cannot be linked, they are copied", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk, ...small });
    await appendBatches(store, "a");
    await backup("/data", "/backups", { disk });
    for (const failing of [/\.log$/, /\.index$/]) {
      disk.onOperation = (operation, path) => {
        if (operation === "link" && failing.test(path)) throw new SeglogError("io", "EPERM");
      };
      const report = await backup("/data", "/backups", { disk });
      assert.deepEqual([report.ok, report.linkedBytes], [true, 0]);
      assert.deepEqual(
        await contentOf(report.snapshot.path, disk),
        await contentOf("/data", disk),
      );
      assert.deepEqual(verify(report.snapshot.path, { disk }).problems, []);
    }
  });

  test("a segment is not taken for that of a store which went another way", async () => {
    const disk = new TrickDisk();
    const store = await Store.open("/data", { disk, ...small });
    await appendBatches(store, "a", 5);
    const old = await backup("/data", "/backups", { disk });
    await appendBatches(store, "b", 5);
    const newer = await backup("/data", "/backups", { disk });
    await store.close();
    // Back to the older one, and on with records of the same sizes.
    await restore(old.snapshot.path, "/again", { disk });
    const again = await Store.open("/again", { disk, ...small });
    await appendBatches(again, "c", 5);
    await again.close();
    const content = await contentOf("/again", disk);
    const report = await backup("/again", "/backups", { disk });
    assert.deepEqual(await contentOf(report.snapshot.path, disk), content);
    assert.ok(report.linkedBytes > 0, "what came before is the same, and shared");

    const twins = disk.list(join(newer.snapshot.path, "t-0"))!
      .filter(({ name }) => name.endsWith(".log"))
      .map(({ name }) => [join(newer.snapshot.path, "t-0", name), join("/again/t-0", name)])
      .filter(([one, other]) => disk.sizeOf(other!) === disk.sizeOf(one!))
      .map((paths) => paths.map((path) => [...bytesOf(disk, path)]))
      .filter(([one, other]) => one!.slice(0, 64).join() === other!.slice(0, 64).join());
    assert.ok(
      twins.some(([one, other]) => one!.join() !== other!.join()),
      "there is a pair with one header and one length, and other records",
    );
  });

  test("a snapshot that is written to does not change the others", async () => {
    await using dir = tempDir();
    const [data, backups] = [join(dir.path, "data"), join(dir.path, "backups")];
    await using store = await Store.open(data, small);
    await appendBatches(store, "a");
    const first = await backup(data, backups);
    const second = await backup(data, backups);
    const content = await contentOf(second.snapshot.path);
    {
      await using opened = await Store.open(first.snapshot.path, small);
      await appendBatches(opened, "z");
      await opened.truncate("t", { before: 4 });
      await opened.truncate("t", { after: 6 });
    }
    assert.deepEqual(await contentOf(second.snapshot.path), content);
    assert.equal(verify(second.snapshot.path).ok, true);
    await appendBatches(store, "b");
    const third = await backup(data, backups);
    assert.deepEqual(await contentOf(third.snapshot.path), await contentOf(data));
  });

  test("what only the system had is durable in the snapshot", async () => {
    const disk = new MemoryDisk();
    const store = await Store.open("/data", { disk, defaults: { sync: "os" } });
    await store.append("t", [{ value: "a" }, { value: "b" }]);
    const content = await contentOf("/data", disk);
    const { snapshot } = await backup("/data", "/backups", { disk });
    disk.crash();
    assert.deepEqual(await contentOf(snapshot.path, disk), content);
    await using again = await Store.open("/data", { disk });
    assert.equal((await again.bounds("t")).nextOffset, 0, "the store itself lost it");
  });

  test("a write under way is left out, whole batches before it are in", async () => {
    const disk = new MemoryDisk();
    await using store = await Store.open("/data", { disk });
    await store.append("t", [{ value: "a" }]);
    const path = "/data/t-0/00000000000000000000.log";
    const whole = disk.sizeOf(path)!;
    await store.append("t", [{ value: "b" }]);
    const bytes = bytesOf(disk, path);
    for (let size = whole; size < bytes.length; size += 8) {
      const file = disk.open(path, "write");
      file.truncate(size);
      const { ok, snapshot } = await backup("/data", "/backups", { disk });
      assert.equal(ok, true);
      assert.equal(snapshot.records, 1, `cut at ${size}`);
      assert.equal(disk.sizeOf(join(snapshot.path, "t-0", basename(path))), whole);
      assert.equal(disk.sizeOf(path), size, "the source is not touched");
      file.write(bytes, 0);
    }
  });

  test("a snapshot opens without a scan, and with what producers had sent", async () => {
    const disk = new TrickDisk();
    const store = await Store.open("/data", { disk });
    const value = "x".repeat(1500);
    const send = (to: Store, sequence: number) =>
      to.append("t", [{ value }], { producer: { id: "p", epoch: 1, sequence } });
    for (let sequence = 0; sequence < 80; sequence++) await send(store, sequence);
    const { snapshot } = await backup("/data", "/backups", { disk });
    const folder = join(snapshot.path, "t-0");
    const bytes = disk.list(folder)!.filter(({ name }) => name.endsWith(".log"))
      .reduce((sum, { name }) => sum + disk.sizeOf(join(folder, name))!, 0);
    let read = 0;
    const open = disk.open.bind(disk);
    disk.open = (path, mode) => {
      const file = open(path, mode);
      if (!path.endsWith(".log")) return file;
      const counted = (target: Uint8Array, position: number) => {
        const count = file.read(target, position);
        read += count;
        return count;
      };
      return { ...file, read: counted };
    };
    const opened = await Store.open(snapshot.path, { disk });
    assert.equal((await opened.bounds("t")).nextOffset, 80);
    assert.ok(read < bytes / 10, `${read} of ${bytes} bytes were read`);
    assert.equal((await send(opened, 76)).start, 76);
    assert.equal((await send(opened, 79)).start, 79);
    assert.equal((await send(opened, 80)).start, 80);
    await rejectsWith("condition-failed", () => send(opened, 82));
    await opened.close();
    await store.close();
  });

  test("snapshots are listed oldest first, with names that rise whatever the clock does", async () => {
    const disk = new MemoryDisk();
    const clock = new FakeClock(Date.UTC(2026, 10, 25, 1, 6, 34, 123));
    await using store = await Store.open("/data", { disk });
    await store.append("t", [{ value: "a" }]);
    const back = new FakeClock(0);
    for (const time of [clock, clock, back]) await backup("/data", "/b", { disk, clock: time });
    disk.makeFolder("/b/notes");
    disk.makeFolder("/b/20269999T999999.999Z");
    assert.deepEqual(
      (await listSnapshots("/b", { disk })).map((
        { name, createdMs, topics, records },
      ) => [name, createdMs - clock.now(), topics, records]),
      [
        ["20261125T010634.123Z", 0, 1, 1],
        ["20261125T010634.124Z", 1, 1, 1],
        ["20261125T010634.125Z", 2, 1, 1],
      ],
    );
    await rejectsWith("not-found", () => listSnapshots("/no", { disk }));
  });

  test("two backups into one folder keep apart, and files that are not theirs stay", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk });
    await store.append("t", [{ value: "a" }]);
    disk.makeFolder("/b/mine");
    disk.create("/b/notes.txt").close();
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    let hasBegun = () => {};
    const begun = new Promise<void>((resolve) => hasBegun = resolve);
    disk.holdSync = (path) => {
      if (!path.startsWith("/b/")) return Promise.resolve();
      hasBegun();
      return held;
    };
    const first = backup("/data", "/b", { disk });
    await begun;
    const error = await rejectsWith("locked", () => backup("/data", "/b", { disk }));
    assert.match(error.message, /another backup \(pid \d+/);
    release();
    assert.equal((await first).ok, true);
    assert.equal((await backup("/data", "/b", { disk })).ok, true);
    assert.equal((await listSnapshots("/b", { disk })).length, 2);
    assert.ok(disk.list("/b/mine") !== undefined && disk.sizeOf("/b/notes.txt") === 0);
  });

  test("what is no store is not backed up, and nothing is backed up into a store", async () => {
    const disk = new MemoryDisk();
    await using store = await Store.open("/data", { disk });
    await store.append("t", [{ value: "a" }]);
    await rejectsWith("not-found", () => backup("/no", "/b", { disk }));
    await rejectsWith("invalid-argument", () => backup("/data/t-0", "/b", { disk }));
    assert.equal(disk.list("/b"), undefined);
    await rejectsWith("invalid-argument", () => backup("/data", "/data", { disk }));
    await rejectsWith("invalid-argument", () => backup("/data", "/data/t-0", { disk }));
    const { snapshot } = await backup("/data", "/b", { disk });
    await rejectsWith("invalid-argument", () => backup("/data", snapshot.path, { disk }));
    await store.append("t", [{ value: "b" }]); // it was not locked by any of this
  });

  test("a backup that fails leaves nothing behind, and the ones before it as they were", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk, ...small });
    await appendBatches(store, "a");
    const { snapshot } = await backup("/data", "/b", { disk });
    const content = await contentOf(snapshot.path, disk);
    disk.onOperation = (operation, path) => {
      if (operation === "write" && path.startsWith("/b/")) {
        throw new SeglogError("disk-full", "full");
      }
    };
    await rejectsWith("disk-full", () => backup("/data", "/b", { disk }));
    disk.onOperation = () => {};
    assert.deepEqual(disk.list("/b")!.map(({ name }) => name), ["LOCK", snapshot.name]);
    assert.deepEqual(await contentOf(snapshot.path, disk), content);
  });

  test("a topic that is deleted meanwhile is left out, also when another takes its name", async () => {
    for (const isMadeAnew of [false, true]) {
      const disk = new TrickDisk();
      const store = await Store.open("/data", { disk, ...small });
      await store.ensureTopic("t", { partitions: 3 });
      for (const partition of [0, 1, 2]) {
        await store.append("t", [{ value: "old" }], { partition });
      }
      await store.append("u", [{ value: "stays" }]);
      let isDeleted = false;
      disk.holdSync = async (path) => {
        if (isDeleted || !/^\/b\/.*\/t-1\/.*\.log$/.test(path)) return;
        isDeleted = true;
        await store.deleteTopic("t");
        if (!isMadeAnew) return;
        await store.ensureTopic("t", { partitions: 3 });
        await store.append("t", [{ value: "new" }], { partition: 2 });
      };
      const { ok, problems, snapshot } = await backup("/data", "/b", { disk });
      assert.ok(isDeleted);
      assert.deepEqual([ok, problems], [true, []]);
      assert.deepEqual(Object.keys(await contentOf(snapshot.path, disk)), ["u", "u-0"]);
      assert.deepEqual(verify(snapshot.path, { disk }).problems, []);
      await store.close();
    }
  });

  test("a batch that its owner takes back while it is read is not in the snapshot", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk });
    await store.append("t", [{ value: "a" }]);
    const path = "/data/t-0/00000000000000000000.log";
    const acknowledged = disk.sizeOf(path)!;
    await store.append("t", [{ value: "written, and then the disk was full" }]);
    // The first reader finds the batch; then it is cut off again, as after a failed write.
    const open = disk.open.bind(disk);
    disk.open = (opened, mode) => {
      const file = open(opened, mode);
      if (opened !== path) return file;
      let sizes = 0;
      const size = () => {
        if (++sizes === 2) open(path, "write").truncate(acknowledged);
        return file.size();
      };
      return { ...file, size };
    };
    const { ok, snapshot } = await backup("/data", "/b", { disk });
    disk.open = open;
    assert.deepEqual([ok, snapshot.records], [true, 1]);
    assert.deepEqual(verify(snapshot.path, { disk }).problems, []);
  });

  test("what looks like damage while it is written is looked at again", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk });
    for (const value of ["a", "b", "c"]) await store.append("t", [{ value }]);
    const path = "/data/t-0/00000000000000000000.log";
    const open = disk.open.bind(disk);
    let looks = 0;
    disk.open = (opened, mode) => {
      const file = open(opened, mode);
      if (opened !== path || ++looks > 1) return file;
      const read = (target: Uint8Array, position: number) => {
        const count = file.read(target, position);
        if (count > 150) target[140]! ^= 0xff; // in the second batch; the third says that it was synced
        return count;
      };
      return { ...file, read };
    };
    const { ok, problems, snapshot } = await backup("/data", "/b", { disk });
    assert.deepEqual([ok, problems, snapshot.records], [true, [], 3]);
    assert.equal(looks > 1, true);
  });

  test("a partition that changes again and again is given up in the end, and said so", async () => {
    const disk = new TrickDisk();
    const store = await Store.open("/data", { disk, ...small });
    await appendBatches(store, "a", 1);
    disk.onOperation = (operation, path) => {
      if (operation !== "create" || !/^\/b\/.*\.log$/.test(path)) return;
      const manifest = readManifest(disk, "/data/t-0")!;
      const bytes = encodeChecked("partition", { ...manifest, epoch: manifest.epoch + 1 });
      const file = disk.open("/data/t-0/partition.json", "write");
      file.truncate(0);
      file.write(bytes, 0);
      file.close();
    };
    const error = await rejectsWith("overloaded", () => backup("/data", "/b", { disk }));
    assert.match(error.message, /Cannot copy .*t-0/);
    assert.ok(error.retryable);
    disk.onOperation = () => {};
    await store.close();
  });
});
