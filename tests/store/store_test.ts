import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import {
  DEFAULT_TOPIC_CONFIG,
  Log,
  readRecords,
  SeglogError,
  Store,
  type TopicConfig,
  verify,
} from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";

describe("a store", () => {
  test("has its topics and records after it is opened again", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.ensureTopic("orders", { partitions: 2, compression: "zstd" });
      await store.append("orders", [{ value: "a" }], { partition: 1 });
      await store.append("Ünïcode/../topic", [{ value: "b" }]);
    }
    await using store = await Store.open(dir.path);
    assert.deepEqual((await store.listTopics()).map(({ name }) => name), [
      "orders",
      "Ünïcode/../topic",
    ]);
    assert.equal((await store.describeTopic("orders")).config.compression, "zstd");
    assert.deepEqual(await shown(readRecords(store, "orders", { partition: 1 })), ["0:a"]);
    assert.deepEqual(await shown(readRecords(store, "Ünïcode/../topic")), ["0:b"]);
    for (const name of fs.readdirSync(dir.path)) assert.ok(!name.includes("/"));
  });

  test("has one owner: the second is told who, and the folder of a log is guarded too", async () => {
    await using dir = tempDir();
    await using store = await Store.open(dir.path);
    await store.append("orders", [{ value: "a" }]);
    const error = await rejectsWith("locked", () => Store.open(dir.path));
    assert.match(error.message, /pid \d+/);
    await rejectsWith("locked", () => Log.open(join(dir.path, "orders-0")));
  });

  test("does not make topics by itself when that is switched off", async () => {
    await using store = await Store.memory({ autoCreateTopics: false });
    await rejectsWith("not-found", () => store.append("orders", [{ value: "a" }]));
    await store.ensureTopic("orders");
    await store.append("orders", [{ value: "a" }]);
  });

  test("takes a setting that is undefined as left out", async () => {
    await using store = await Store.memory({
      defaults: { partitions: undefined, sync: "os" } as Partial<TopicConfig>,
    });
    const asked = { segmentBytes: undefined, partitions: 2 } as Partial<TopicConfig>;
    const { config } = (await store.ensureTopic("orders", asked)).topic;
    assert.deepEqual(config, { ...DEFAULT_TOPIC_CONFIG, partitions: 2, sync: "os" });
    assert.equal((await store.ensureTopic("other")).topic.config.partitions, 1);
  });

  test("gives new topics its defaults", async () => {
    await using store = await Store.memory({ defaults: { partitions: 3, sync: "os" } });
    const { topic } = await store.ensureTopic("orders", { sync: "always" });
    assert.equal(topic.config.partitions, 3);
    assert.equal(topic.config.sync, "always");
  });

  test("read only: sees topics that its owner makes, appends to and deletes", async () => {
    await using dir = tempDir();
    await using owner = await Store.open(dir.path);
    await using reader = await Store.open(dir.path, { readOnly: true });
    assert.deepEqual(await reader.listTopics(), []);
    await owner.append("orders", [{ value: "a" }]);
    assert.deepEqual(await shown(readRecords(reader, "orders")), ["0:a"]);
    await rejectsWith("read-only", () => reader.append("orders", [{ value: "b" }]));
    await rejectsWith("read-only", () => reader.ensureTopic("other"));
    await owner.deleteTopic("orders");
    await rejectsWith("not-found", () => reader.bounds("orders"));
  });

  test("a folder that is not there is not found, and is not made by reading", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "no");
    await rejectsWith("not-found", () => Store.open(folder, { readOnly: true }));
    await rejectsWith("not-found", () => Store.open(folder, { create: false }));
    assert.equal(fs.existsSync(folder), false);
  });

  test("a missing or damaged catalogue beside data is refused, and nothing is cleaned up", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("orders", [{ value: "a" }]);
    }
    const path = join(dir.path, "store.json");
    const text = fs.readFileSync(path, "utf8");
    for (const broken of ["", "{}", text.replace("orders", "order5")]) {
      fs.writeFileSync(path, broken);
      await rejectsWith("corrupt", () => Store.open(dir.path));
    }
    fs.rmSync(path);
    await rejectsWith("corrupt", () => Store.open(dir.path));
    assert.ok(fs.existsSync(join(dir.path, "orders-0", "partition.json")));
  });

  test("segments without manifest and catalogue are refused: a copy that was cut short", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("orders", [{ value: "a" }]);
    }
    for (const name of ["store.json", "orders-0/partition.json"]) fs.rmSync(join(dir.path, name));
    const error = await rejectsWith("corrupt", () => Store.open(dir.path));
    assert.match(error.message, /it holds the log orders-0 and no store\.json/);
    assert.equal(fs.existsSync(join(dir.path, "store.json")), false);
  });

  test("files that are not its own are left alone, and reported by verify", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("orders", [{ value: "a" }]);
      fs.writeFileSync(join(dir.path, "notes.txt"), "mine");
      fs.mkdirSync(join(dir.path, "stuff"));
    }
    await using store = await Store.open(dir.path);
    assert.equal(fs.readFileSync(join(dir.path, "notes.txt"), "utf8"), "mine");
    const report = verify(dir.path);
    assert.equal(report.ok, true);
    assert.deepEqual(
      report.problems.map(({ severity, path }) => [severity, path]).toSorted(),
      [["notice", join(dir.path, "notes.txt")], ["notice", join(dir.path, "stuff")]],
    );
    assert.equal((await store.listTopics()).length, 1);
  });

  test("one damaged topic does not take the others down", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("good", [{ value: "a" }]);
      await store.append("bad", [{ value: "b" }]);
    }
    fs.writeFileSync(join(dir.path, "bad-0", "partition.json"), "{}");
    await using store = await Store.open(dir.path);
    assert.deepEqual(await shown(readRecords(store, "good")), ["0:a"]);
    await rejectsWith("corrupt", () => store.bounds("bad"));
    await store.append("good", [{ value: "c" }]);
  });

  test("a crash at any step of making a topic leaves it whole or absent, and it can be made", async () => {
    for (let failAt = 1;; failAt++) {
      const disk = new TrickDisk();
      const store = await Store.open("/data", { disk });
      let operations = 0;
      disk.onOperation = () => {
        if (++operations >= failAt) throw new Error("the machine is off");
      };
      let isDone = false;
      await store.ensureTopic("orders", { partitions: 2 }).then(() => isDone = true, () => {});
      disk.onOperation = () => {};
      disk.crash();
      const again = await Store.open("/data", { disk });
      const topics = await again.listTopics();
      if (isDone) assert.equal(topics.length, 1);
      await again.ensureTopic("orders", { partitions: 2 });
      const { start } = await again.append("orders", [{ value: "a" }], { partition: 1 });
      assert.equal(start, 0, `after ${failAt} operations`);
      await again.close();
      if (isDone) break;
    }
  });

  test("a crash at any step of deleting a topic leaves all of it, or nothing that comes back", async () => {
    for (let failAt = 1;; failAt++) {
      const disk = new TrickDisk();
      const store = await Store.open("/data", { disk });
      await store.append("orders", [{ value: "a" }]);
      let operations = 0;
      disk.onOperation = () => {
        if (++operations >= failAt) throw new Error("the machine is off");
      };
      let isDone = false;
      await store.deleteTopic("orders").then(() => isDone = true, () => {});
      disk.onOperation = () => {};
      disk.crash();
      const again = await Store.open("/data", { disk });
      const topics = await again.listTopics();
      if (topics.length === 1) {
        assert.equal(isDone, false);
        assert.deepEqual(await shown(readRecords(again, "orders")), ["0:a"]);
      } else {
        assert.equal(disk.list("/data/orders-0"), undefined, "its folder is gone");
        assert.equal((await again.append("orders", [{ value: "new" }])).start, 0);
      }
      await again.close();
      if (isDone) break;
    }
  });

  test("a deletion that fails half-way takes nothing of a topic that is made anew", async () => {
    for (let failAt = 1;; failAt++) {
      const disk = new TrickDisk();
      const store = await Store.open("/data", { disk });
      await store.append("orders", [{ value: "old" }]);
      let operations = 0;
      disk.onOperation = () => {
        if (++operations === failAt) throw new SeglogError("io", "EIO once");
      };
      let isDone = false;
      await store.deleteTopic("orders").then(() => isDone = true, () => {});
      const hasFailed = operations >= failAt;
      disk.onOperation = () => {};
      let acknowledged: string[] = [];
      try {
        const { start } = await store.append("orders", [{ value: "new" }]);
        acknowledged = start === 0 ? ["0:new"] : ["0:old", "1:new"];
      } catch (error) {
        assert.ok(error instanceof SeglogError && error.code === "poisoned", `${error}`);
      }
      await store.close();
      const again = await Store.open("/data", { disk });
      if (acknowledged.length > 0) {
        assert.deepEqual(await shown(readRecords(again, "orders")), acknowledged, `at ${failAt}`);
      }
      await again.close();
      if (isDone && !hasFailed) break;
    }
  });

  test("nothing is opened, and nothing written, once it is closed", async () => {
    const disk = new TrickDisk();
    const store = await Store.open("/data", { disk });
    await store.ensureTopic("orders", { partitions: 20, retentionMs: 1000 });
    const busy = [store.maintain(), store.describeTopic("orders"), store.flush("orders")];
    const settled = Promise.allSettled(busy);
    await store.close();
    const written: string[] = [];
    disk.onOperation = (operation, path) => written.push(`${operation} ${path}`);
    await settled;
    for (let turns = 0; turns < 20; turns++) await new Promise((done) => setImmediate(done));
    assert.deepEqual(written, []);
    await (await Store.open("/data", { disk })).close();
  });

  test("read only: sees settings that its owner changes", async () => {
    const disk = new TrickDisk();
    const owner = await Store.open("/data", { disk });
    await owner.ensureTopic("orders");
    const reader = await Store.open("/data", { disk, readOnly: true });
    await owner.configureTopic("orders", { retentionRecords: 7 });
    assert.equal((await reader.describeTopic("orders")).config.retentionRecords, 7);
    await reader.close();
    await owner.close();
  });

  test("is not opened as a log, nor a log as a store", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("orders", [{ value: "a" }]);
    }
    await rejectsWith("invalid-argument", () => Log.open(dir.path));
    await rejectsWith("invalid-argument", () => Store.open(join(dir.path, "orders-0")));
    const plain = join(dir.path, "plain");
    fs.mkdirSync(plain);
    await rejectsWith("not-found", () => Log.open(plain, { create: false }));
    assert.deepEqual(fs.readdirSync(plain), []);
  });

  test("applies retention by itself, from time to time", async () => {
    const clock = new FakeClock();
    await using store = await Store.memory({ clock });
    await store.ensureTopic("orders", { retentionMs: 1000 });
    await store.append("orders", [{ value: "old" }]);
    clock.advance(60_000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await store.bounds("orders")).logStartOffset, 1);
    assert.equal(clock.waiting, 2, "the next time is planned, for retention and for compaction");
  });

  test("tells what recovery cut off", async () => {
    await using dir = tempDir();
    {
      await using store = await Store.open(dir.path);
      await store.append("orders", [{ value: "a" }]);
    }
    fs.appendFileSync(join(dir.path, "orders-0", "00000000000000000000.log"), "torn");
    const notices: string[] = [];
    await using store = await Store.open(dir.path, { onNotice: (notice) => notices.push(notice) });
    assert.deepEqual(await shown(readRecords(store, "orders")), ["0:a"]);
    assert.equal(notices.length, 1);
    assert.match(notices[0]!, /cut 4 bytes/);
  });

  test("topics of many partitions keep every record", async () => {
    await using store = await Store.memory();
    await store.ensureTopic("orders", { partitions: 16 });
    await Promise.all(
      Array.from(
        { length: 200 },
        (_, i) => store.append("orders", [{ key: `k${i}`, value: `${i}` }]),
      ),
    );
    const seen: string[] = [];
    for (let partition = 0; partition < 16; partition++) {
      for (const record of await collect(readRecords(store, "orders", { partition }))) {
        seen.push(record.text);
      }
    }
    assert.equal(new Set(seen).size, 200);
  });
});
