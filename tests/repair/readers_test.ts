/** What readers are told of offsets that a repair gave up, whatever they read through. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  type Backend,
  connect,
  countRecords,
  type Disk,
  MemoryDisk,
  nodeDisk,
  readRecords,
  repair,
  startOfLast,
  Store,
} from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { serve } from "../../server/listen.ts";
import { eventsOf } from "../server/event_reader.ts";
import { jsonOf, type Page, problemOf } from "../server/support.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";

const TOPIC = "orders";
const RECORDS = `/v1/topics/${TOPIC}/records`;
const LOST = { start: 2, end: 4 };

/** A store whose topic has offsets 0 to 6, each a batch of its own, and 2 and 3 given up. */
async function repairedStore(folder: string, disk: Disk): Promise<void> {
  {
    await using store = await Store.open(folder, { disk });
    for (let i = 0; i < 7; i++) await store.append(TOPIC, [{ value: `${i}`, timestamp: 1000 + i }]);
  }
  const partition = join(folder, `${TOPIC}-0`);
  const file = disk.open(join(partition, "00000000000000000000.log"), "write");
  const batchBytes = (file.size() - 64) / 7;
  for (const offset of [2, 3]) file.write(Uint8Array.of(0), 64 + offset * batchBytes);
  file.close();
  const report = await repair(partition, { acceptLoss: LOST, disk });
  assert.deepEqual(report.lost, [LOST]);
}

/** Ways to the same records. */
const WAYS: Record<string, () => Promise<{ backend: Backend } & AsyncDisposable>> = {
  async "a store in memory"() {
    const disk = new MemoryDisk();
    await repairedStore("/store", disk);
    const backend = await Store.open("/store", { disk });
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  },
  async "a store on disk"() {
    const dir = tempDir();
    await repairedStore(dir.path, nodeDisk);
    const backend = await Store.open(dir.path);
    return {
      backend,
      [Symbol.asyncDispose]: () => backend.close().then(() => dir[Symbol.asyncDispose]()),
    };
  },
  async "a store that another owns"() {
    const disk = new MemoryDisk();
    await repairedStore("/store", disk);
    const owner = await Store.open("/store", { disk });
    const backend = await Store.open("/store", { disk, readOnly: true });
    return {
      backend,
      [Symbol.asyncDispose]: () => backend.close().then(() => owner.close()),
    };
  },
  async "a server over HTTP"() {
    const disk = new MemoryDisk();
    await repairedStore("/store", disk);
    const store = await Store.open("/store", { disk });
    const server = await serve(store, { port: 0 });
    const backend = await connect(server.url);
    return {
      backend,
      async [Symbol.asyncDispose]() {
        await backend.close();
        await server.close();
        await store.close();
      },
    };
  },
};

for (const [way, open] of Object.entries(WAYS)) {
  describe(`lost offsets read through ${way}`, () => {
    test("end the reading, in both directions, with an error that says where to go on", async () => {
      await using opened = await open();
      const { backend } = opened;
      for (const reverse of [false, true]) {
        const seen: number[] = [];
        const error = await rejectsWith("lost", async () => {
          for await (const record of readRecords(backend, TOPIC, { reverse })) {
            seen.push(record.offset);
          }
        });
        assert.deepEqual(seen, reverse ? [6, 5, 4] : [0, 1]);
        assert.deepEqual([error.details.start, error.details.end], [2, 4]);
        assert.match(
          error.message,
          /Cannot read "orders" at offset [23]: offsets 2 to 3 were lost/,
        );
        assert.deepEqual([error.exitCode, error.httpStatus, error.retryable], [5, 410, false]);
      }
      for (const offset of [2, 3]) {
        await rejectsWith("lost", () => backend.read(TOPIC, offset));
        await rejectsWith("lost", () => collect(backend.batches(TOPIC, { from: offset })));
      }
      assert.equal((await backend.read(TOPIC, 4)).text, "4");
    });

    test("do not matter to a range without them", async () => {
      await using opened = await open();
      const { backend } = opened;
      const texts = async (range: object) => await shown(readRecords(backend, TOPIC, range));
      assert.deepEqual(await texts({ until: 2 }), ["0:0", "1:1"]);
      assert.deepEqual(await texts({ from: 4 }), ["4:4", "5:5", "6:6"]);
      assert.deepEqual(await texts({ from: 4, reverse: true }), ["6:6", "5:5", "4:4"]);
      assert.deepEqual(await texts({ until: 2, reverse: true }), ["1:1", "0:0"]);
    });

    test("are passed by a reader that asks to be told of them", async () => {
      await using opened = await open();
      const { backend } = opened;
      const seen = async (range: object) => {
        const seen: string[] = [];
        const onLost = ({ start, end }: { start: number; end: number }) =>
          void seen.push(`lost ${start}..${end}`);
        for await (const record of readRecords(backend, TOPIC, { ...range, onLost })) {
          seen.push(record.text);
        }
        return seen;
      };
      assert.deepEqual(await seen({}), ["0", "1", "lost 2..4", "4", "5", "6"]);
      assert.deepEqual(await seen({ reverse: true }), ["6", "5", "4", "lost 2..4", "1", "0"]);
      assert.deepEqual(await seen({ from: 1, until: 3 }), ["1", "lost 2..4"]);
      assert.deepEqual(await seen({ from: 3, until: 5 }), ["lost 2..4", "4"]);
      assert.deepEqual(await seen({ from: 3, until: 5, reverse: true }), ["4", "lost 2..4"]);
      assert.deepEqual(await seen({ from: 2, until: 4, reverse: true }), ["lost 2..4"]);
    });

    test("are told to a follower, who goes on if it asked to", async () => {
      await using opened = await open();
      const { backend } = opened;
      await rejectsWith("lost", () => collect(backend.batches(TOPIC, { follow: true, until: 7 })));
      const lost: number[] = [];
      const options = {
        follow: true,
        until: 7,
        onLost: (range: { start: number }) => void lost.push(range.start),
      };
      assert.equal((await collect(readRecords(backend, TOPIC, options))).length, 5);
      assert.deepEqual(lost, [2]);
    });

    test("are no records: they do not count, and a time is found past them", async () => {
      await using opened = await open();
      const { backend } = opened;
      const [partition] = (await backend.describeTopic(TOPIC)).partitions;
      assert.deepEqual([partition!.records, partition!.nextOffset], [5, 7]);
      assert.equal(await countRecords(backend, TOPIC, { start: 1, end: 5, partition: 0 }), 2);
      assert.equal(await startOfLast(backend, TOPIC, { count: 4, partition: 0 }), 1);
      assert.equal(await startOfLast(backend, TOPIC, { count: 3, partition: 0 }), 4);
      assert.equal(await backend.offsetAt(TOPIC, 1002), 4);
    });
  });
}

test("over HTTP every way to read tells of lost offsets, behind what comes before them", async () => {
  const disk = new MemoryDisk();
  await repairedStore("/store", disk);
  await using store = await Store.open("/store", { disk });
  const notices: string[] = [];
  const app = createApp(store, { onNotice: (notice) => notices.push(notice) });
  const accept = (type: string) => ({ headers: { accept: type } });

  const page = await jsonOf<Page>(await app.request(RECORDS));
  assert.deepEqual([page.records.length, page.next], [2, 2]);
  const problem = await problemOf(await app.request(`${RECORDS}?from=2`), 410, "lost");
  assert.deepEqual([problem.start, problem.end, problem.retryable], [2, 4, false]);
  const back = await jsonOf<Page>(await app.request(`${RECORDS}?reverse=true`));
  assert.deepEqual([back.records.length, back.next], [3, 4]);
  await problemOf(await app.request(`${RECORDS}?reverse=true&until=4`), 410, "lost");
  await problemOf(await app.request(`${RECORDS}/3`), 410, "lost");

  const batches = await app.request(RECORDS, accept("application/vnd.seglog.batch"));
  assert.equal(batches.headers.get("seglog-next"), "2");

  const lines = await app.request(RECORDS, accept("application/x-ndjson"));
  const read: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of lines.body!) read.push(new TextDecoder().decode(chunk));
  });
  const told = read.join("").trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(told.map(({ offset, error }) => offset ?? error.code), [0, 1, "lost"]);

  const events = [];
  for await (const event of eventsOf(await app.request(RECORDS, accept("text/event-stream")))) {
    if (event.event !== "retry") events.push(event);
  }
  assert.deepEqual(events.map(({ event, id }) => id ?? event), ["1", "2", "error"]);
  assert.deepEqual(JSON.parse(events[2]!.data).end, 4);
  assert.deepEqual(notices, []); // a client's business: it is no fault of the server
});
