import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  backup,
  MemoryDisk,
  readRecords,
  SeglogError,
  Store,
  verify,
  type VerifyReport,
} from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TrickDisk } from "../support/trick_disk.ts";

async function fill(store: Store, topic: string, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const key of ["a", "b", "c"]) {
      await store.append(topic, [{ key, value: `${key}${round}`.padEnd(200) }]);
    }
  }
}

function damageOf({ problems }: VerifyReport) {
  return problems.filter(({ severity }) => severity === "damage");
}

/** Lets everything run that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a store", () => {
  test("compacts all partitions of a topic, or one", async () => {
    await using store = await Store.memory();
    await store.ensureTopic("t", { partitions: 3 });
    await fill(store, "t", 10);
    const { partitions } = await store.describeTopic("t");
    const [first] = partitions.filter(({ records }) => records > 0);
    const one = await store.compact("t", { partition: first!.partition });
    assert.equal(one.records, first!.records - first!.records / 10);
    const rest = await store.compact("t");
    assert.equal(one.records + rest.records, 27);
    await rejectsWith("not-found", () => store.compact("none"));
    await rejectsWith("not-found", () => store.compact("t", { partition: 3 }));
  });

  test("compacts by itself the topics that say so, when there is enough garbage", async () => {
    const clock = new FakeClock();
    const notices: string[] = [];
    await using store = await Store.memory({ clock, onNotice: (notice) => notices.push(notice) });
    await store.ensureTopic("keyed", { compaction: "keys", segmentBytes: 4096 });
    await store.ensureTopic("plain", { segmentBytes: 4096 });
    await fill(store, "keyed", 60);
    await fill(store, "plain", 60);
    clock.advance(60_000);
    await settle();
    const records = async (topic: string) =>
      (await store.describeTopic(topic)).partitions[0]!.records;
    assert.ok(await records("keyed") < 40, `${await records("keyed")} records`);
    assert.equal(await records("plain"), 180);
    const { compacted } = (await store.describeTopic("keyed")).partitions[0]!;
    const left = await records("keyed");
    assert.deepEqual([compacted?.runs, compacted?.records], [1, 180 - left]);
    assert.deepEqual(notices, [
      `compacted partition 0 of "keyed": ${
        180 - left
      } records less, ${compacted?.bytes} bytes given back`,
    ]);
  });

  test("keeps what is held, until it is let go", async () => {
    await using store = await Store.memory();
    await fill(store, "t", 2);
    const release = store.hold("t", 1);
    const again = store.hold("t", 1);
    assert.equal((await store.compact("t")).records, 1); // c0, which is behind
    assert.deepEqual((await store.read("t", 0)).keyText, "a");
    release();
    release(); // does nothing
    assert.equal((await store.compact("t")).records, 0);
    again();
    assert.equal((await store.compact("t")).records, 2);
    assert.throws(
      () => store.hold("none", 0),
      (error) => (error as SeglogError).code === "not-found",
    );
  });

  test("tells what keeps it from compacting, and goes on with other topics", async () => {
    const clock = new FakeClock();
    const disk = new MemoryDisk();
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    await using store = await Store.open("/data", { disk, clock, onNotice });
    for (const topic of ["bad", "good"]) {
      await store.ensureTopic(topic, { compaction: "keys", segmentBytes: 4096 });
      await fill(store, topic, 60);
    }
    disk.open("/data/bad-0/00000000000000000000.log", "write").write(Uint8Array.of(255), 300);
    clock.advance(60_000);
    await settle();
    assert.equal(notices.length, 2);
    assert.match(notices[0]!, /compaction of "bad" failed: .*offsets 0 to 0/);
    assert.match(
      notices[1]!,
      /^compacted partition 0 of "good": \d+ records less, \d+ bytes given back$/,
    );
    assert.ok((await store.describeTopic("good")).partitions[0]!.records < 40);
    clock.advance(60_000);
    await settle();
    assert.equal(notices.length, 2, "it is not told again before anything has changed");
  });

  test("is intact after it, for readers and for verify, and when it is opened again", async () => {
    const disk = new MemoryDisk();
    {
      await using store = await Store.open("/data", { disk, defaults: { segmentBytes: 4096 } });
      await fill(store, "t", 60);
      await store.compact("t");
      await store.append("t", [{ key: "d", value: "last" }]);
    }
    const report = verify("/data", { disk });
    assert.deepEqual(report.problems, []);
    assert.equal(report.partitions[0]!.records, 4);
    for (const options of [{ readOnly: true }, {}]) {
      await using store = await Store.open("/data", { disk, ...options });
      const texts = (await shown(readRecords(store, "t"))).map((text) => text.trimEnd());
      assert.deepEqual(texts, ["177:a59", "178:b59", "179:c59", "180:last"]);
    }
  });

  test("is intact for verify while it is compacted, and a backup of it links what stays", async () => {
    const disk = new TrickDisk();
    await using store = await Store.open("/data", { disk, defaults: { segmentBytes: 4096 } });
    await fill(store, "t", 200);
    let looks = 0;
    disk.onOperation = (operation, path) => { // between a segment that goes and the next
      if (operation === "removeFile" && /t-0\/0+\d*\.log$/.test(path) && looks++ < 3) {
        assert.deepEqual(damageOf(verify("/data", { disk })), []);
      }
    };
    await store.compact("t");
    disk.onOperation = () => {};
    assert.ok(looks > 0);
    await fill(store, "t", 30);
    await store.compact("t");
    const first = await backup("/data", "/copies", { disk });
    await store.append("t", [{ key: "new", value: "x".repeat(5000) }]);
    const second = await backup("/data", "/copies", { disk });
    assert.ok(second.linkedBytes > 0, `${second.linkedBytes} bytes were linked`);
    for (const { snapshot } of [first, second]) {
      assert.deepEqual(damageOf(verify(snapshot.path, { disk })), []);
    }
    await using copy = await Store.open(second.snapshot.path, { disk, readOnly: true });
    assert.equal((await copy.read("t", 689)).keyText, "c");
  });
});
