/**
 * What every backend does, whatever is behind it: one suite, run against each of them.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import {
  type Backend,
  decodeBatch,
  encodeBatch,
  json,
  readRecord,
  readRecords,
  type RecordInput,
  startOfLast,
} from "../../mod.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";

/** A fresh, empty backend, and how to be rid of it. */
export type OpenBackend = () => Promise<AsyncDisposable & { readonly backend: Backend }>;

/** Runs the suite against one kind of backend. */
export function backendSuite(name: string, openBackend: OpenBackend): void {
  const promise = (what: string, run: (backend: Backend) => Promise<void>) =>
    test(what, async () => {
      await using opened = await openBackend();
      await run(opened.backend);
    });

  describe(`${name}: topics`, () => {
    promise("a topic is made once, and found after that", async (backend) => {
      const first = await backend.ensureTopic("orders", { partitions: 3 });
      const second = await backend.ensureTopic("orders");
      assert.equal(first.created, true);
      assert.equal(second.created, false);
      assert.equal(second.topic.id, first.topic.id);
      assert.equal(second.topic.config.partitions, 3);
    });

    promise("a topic is not made again with other settings", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 3 });
      await rejectsWith("exists", () => backend.ensureTopic("orders", { partitions: 4 }));
    });

    promise("topics are listed by name", async (backend) => {
      for (const topic of ["b", "a/b", "ä", "😀"]) await backend.ensureTopic(topic);
      const names = (await backend.listTopics()).map((topic) => topic.name);
      assert.deepEqual(names, ["a/b", "b", "ä", "😀"]);
    });

    promise("a topic is described with its partitions", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 2 });
      await backend.append("orders", [{ value: "a" }], { partition: 1 });
      const { partitions } = await backend.describeTopic("orders");
      assert.deepEqual(partitions.map(({ nextOffset }) => nextOffset), [0, 1]);
      assert.deepEqual(partitions.map(({ segments }) => segments), [1, 1]);
      assert.ok(partitions[1]!.bytes > partitions[0]!.bytes);
    });

    promise("settings can be changed, partitions cannot", async (backend) => {
      await backend.ensureTopic("orders");
      const changed = await backend.configureTopic("orders", { retentionRecords: 5 });
      assert.equal(changed.config.retentionRecords, 5);
      assert.equal((await backend.describeTopic("orders")).config.retentionRecords, 5);
      await rejectsWith(
        "invalid-argument",
        () => backend.configureTopic("orders", { partitions: 2 }),
      );
    });

    promise("a setting of zero, or one that is not known, is refused", async (backend) => {
      await backend.ensureTopic("orders");
      for (const config of [{ retentionBytes: 0 }, { segmentBytes: 0 }, { partitions: 0 }]) {
        await rejectsWith("invalid-argument", () => backend.ensureTopic("other", config));
      }
      const unknown = { retention: 5 } as Record<string, unknown>;
      await rejectsWith("invalid-argument", () => backend.configureTopic("orders", unknown));
    });

    promise("a deleted topic is gone, and its name starts anew", async (backend) => {
      await backend.append("orders", [{ value: "old" }]);
      await backend.deleteTopic("orders");
      await rejectsWith("not-found", () => backend.describeTopic("orders"));
      const { start } = await backend.append("orders", [{ value: "new" }]);
      assert.equal(start, 0);
      assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:new"]);
    });

    promise("names that cannot be topics are refused", async (backend) => {
      for (const topic of ["", "x".repeat(201), "a\nb", "a\u0000b", "__mine"]) {
        await rejectsWith("invalid-argument", () => backend.ensureTopic(topic));
      }
    });

    promise("names with slashes, dots and upper case are topics of their own", async (backend) => {
      const names = ["../x", "..", ".", "a/b", "a%2Fb", "A", "a", "x".repeat(200), "Ä".repeat(100)];
      for (const [index, name] of names.entries()) {
        await backend.append(name, [{ value: `v${index}` }]);
      }
      for (const [index, name] of names.entries()) {
        assert.deepEqual(await shown(readRecords(backend, name)), [`0:v${index}`]);
      }
    });

    promise("a topic that is not there is not found", async (backend) => {
      await rejectsWith("not-found", () => backend.bounds("nothing"));
      await rejectsWith("not-found", () => collect(backend.batches("nothing")));
      await rejectsWith("not-found", () => backend.deleteTopic("nothing"));
      await rejectsWith("not-found", () => backend.truncate("nothing", { before: 0 }));
      await backend.ensureTopic("orders");
      await rejectsWith("not-found", () => backend.bounds("orders", 1));
      await rejectsWith(
        "not-found",
        () => backend.append("orders", [{ value: "a" }], { partition: 1 }),
      );
    });
  });

  describe(`${name}: append`, () => {
    promise("offsets are dense, from 0", async (backend) => {
      const one = await backend.append("orders", [{ value: "a" }]);
      const two = await backend.append("orders", [{ value: "b" }, { value: "c" }]);
      assert.deepEqual([one.start, one.end, two.start, two.end], [0, 1, 1, 3]);
      assert.deepEqual([one.topic, one.partition, one.durable], ["orders", 0, true]);
    });

    promise("many appends at once keep the order of their calls", async (backend) => {
      await backend.ensureTopic("orders");
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => backend.append("orders", [{ value: `v${i}` }])),
      );
      const offsets = results.map((result) => result.start).toSorted((a, b) => a - b);
      assert.deepEqual(offsets, Array.from({ length: 50 }, (_, i) => i));
      const values = new Map(
        (await collect(readRecords(backend, "orders"))).map((r) => [r.offset, r.text]),
      );
      for (const [i, result] of results.entries()) assert.equal(values.get(result.start), `v${i}`);
    });

    promise("everything of a record comes back as it was", async (backend) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const records: RecordInput[] = [
        { value: "text ✓ 😀" },
        { value: bytes },
        { value: "" },
        { value: new Uint8Array(0) },
        { value: null, key: "gone" },
        { value: '{"n":9007199254740993,"b":{"z":1,"a":[1.0,1e400]}}', type: "json" },
        { key: "🗝️", value: "v", headers: { trace: "a1", "ключ": "значение", empty: "" } },
        { key: bytes, value: "binary key" },
        { key: "", value: "empty key" },
        { value: "then", timestamp: 5 },
        json({ a: [1, null, "x"] }),
      ];
      await backend.append("orders", records, { partition: 0 });
      const read = await collect(readRecords(backend, "orders"));
      assert.equal(read.length, records.length);
      const raw = (content: string | Uint8Array | null | undefined) =>
        content === null || content === undefined ? null : Buffer.from(content).toString("hex");
      for (const [i, record] of records.entries()) {
        const back = read[i]!;
        assert.equal(raw(back.value), raw(record.value), `value ${i}`);
        assert.equal(raw(back.key), raw(record.key), `key ${i}`);
        assert.deepEqual(back.headers, record.headers ?? {});
        if (record.timestamp !== undefined) assert.equal(back.timestamp, record.timestamp);
        const type = record.type ?? (typeof record.value === "string" ? "text" : "bytes");
        assert.equal(back.type, record.value === null ? "bytes" : type);
      }
    });

    promise("a value of ten million bytes goes in and out", async (backend) => {
      const value = new Uint8Array(10 * 1024 * 1024).map((_, i) => (i * 31) >> 3);
      await backend.append("orders", [{ value }]);
      const record = await readRecord(backend, "orders", 0);
      assert.ok(Buffer.from(value).equals(record.value!));
    });

    promise("an append at an expected offset is made there or not at all", async (backend) => {
      await backend.append("orders", [{ value: "a" }], { expectedOffset: 0 });
      const error = await rejectsWith(
        "condition-failed",
        () => backend.append("orders", [{ value: "b" }], { expectedOffset: 0 }),
      );
      assert.deepEqual([error.details.expected, error.details.actual], [0, 1]);
      await backend.append("orders", [{ value: "c" }], { expectedOffset: 1 });
      assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:c"]);
    });

    promise("of many appends at one expected offset, one is made", async (backend) => {
      await backend.ensureTopic("orders");
      const results = await Promise.allSettled(
        Array.from(
          { length: 10 },
          (_, i) => backend.append("orders", [{ value: `${i}` }], { expectedOffset: 0 }),
        ),
      );
      assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
      assert.equal((await backend.bounds("orders")).nextOffset, 1);
    });

    promise("a retry of a producer is answered like the first try", async (backend) => {
      const producer = (sequence: number, epoch = 0) => ({ id: "p1", epoch, sequence });
      const append = (value: string, sequence: number, epoch?: number) =>
        backend.append("orders", [{ value }], { producer: producer(sequence, epoch) });
      const first = await append("a", 0);
      const again = await append("a", 0);
      assert.deepEqual([again.start, again.end], [first.start, first.end]);
      await append("b", 1);
      await rejectsWith("condition-failed", () => append("d", 3));
      await append("c", 0, 1);
      await rejectsWith("condition-failed", () => append("late", 2, 0));
      assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:b", "2:c"]);
    });

    promise("an encoded batch is appended under the next offsets", async (backend) => {
      await backend.append("orders", [{ value: "a" }]);
      const bytes = encodeBatch([{ value: "b" }, { value: "c" }], { nowMs: 7, codec: "gzip" });
      const batch = decodeBatch(bytes, 0, 0);
      assert.ok(typeof batch !== "string");
      const result = await backend.appendBatch("orders", batch);
      assert.deepEqual([result.start, result.end], [1, 3]);
      assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:b", "2:c"]);
    });

    promise("bad records are refused, and nothing of their batch is stored", async (backend) => {
      await backend.ensureTopic("orders");
      const good = { value: "good" };
      const long = { value: new Uint8Array(16 * 1024 * 1024 + 1) };
      await rejectsWith("too-large", () => backend.append("orders", [good, long]));
      const bad = [
        { value: 5 },
        { value: "x", timestamp: -1 },
        { value: "x", timestamp: 1.5 },
        { value: "x", headers: { "": "no name" } },
        { value: "x", type: "xml" },
        { value: Uint8Array.of(0xff), type: "text" },
        { value: "x", key: 7 },
        { value: "half \ud83d of a pair" },
        { value: "x", key: "\udc00" },
        { value: "x", headers: { name: "\ud83d" } },
      ] as unknown as RecordInput[];
      for (const record of bad) {
        await rejectsWith("invalid-record", () => backend.append("orders", [good, record]));
      }
      await rejectsWith("invalid-argument", () => backend.append("orders", []));
      assert.equal((await backend.bounds("orders")).nextOffset, 0);
    });

    promise("records without a key go to the partitions in turn", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 3 });
      const partitions = new Set<number>();
      for (let i = 0; i < 6; i++) {
        partitions.add((await backend.append("orders", [{ value: "x" }])).partition);
      }
      assert.equal(partitions.size, 3);
    });

    promise("records with one key share a partition", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 8 });
      const partitions = new Set<number>();
      for (let i = 0; i < 5; i++) {
        partitions.add((await backend.append("orders", [{ key: "u1", value: `${i}` }])).partition);
      }
      assert.equal(partitions.size, 1);
    });

    promise("a batch whose keys belong to several partitions is refused", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 8 });
      const records = Array.from({ length: 20 }, (_, i) => ({ key: `k${i}`, value: "x" }));
      await rejectsWith("invalid-argument", () => backend.append("orders", records));
      const { partition, end } = await backend.append("orders", records, { partition: 5 });
      assert.deepEqual([partition, end], [5, 20]);
    });
  });

  describe(`${name}: read`, () => {
    const filled = async (backend: Backend, count = 10) => {
      for (let i = 0; i < count; i += 2) {
        await backend.append("orders", [{ value: `${i}` }, { value: `${i + 1}` }]);
      }
    };
    const offsets = async (backend: Backend, options: Parameters<Backend["batches"]>[1]) =>
      (await collect(readRecords(backend, "orders", options))).map((record) => record.offset);

    promise("an empty topic has no records", async (backend) => {
      await backend.ensureTopic("orders");
      assert.deepEqual(await offsets(backend, {}), []);
      const { logStartOffset, durableOffset, nextOffset } = await backend.bounds("orders");
      assert.deepEqual([logStartOffset, durableOffset, nextOffset], [0, 0, 0]);
    });

    promise("ranges are half-open, and cut through batches", async (backend) => {
      await filled(backend);
      assert.deepEqual(await offsets(backend, { from: 3, until: 6 }), [3, 4, 5]);
      assert.deepEqual(await offsets(backend, { from: 9 }), [9]);
      assert.deepEqual(await offsets(backend, { from: 10 }), []);
      assert.deepEqual(await offsets(backend, { from: 4, until: 4 }), []);
      assert.deepEqual(await offsets(backend, { from: 8, until: 100 }), [8, 9]);
    });

    promise("reverse reads the same range, newest first", async (backend) => {
      await filled(backend);
      assert.deepEqual(await offsets(backend, { from: 3, until: 7, reverse: true }), [6, 5, 4, 3]);
      assert.deepEqual(await offsets(backend, { reverse: true }), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    });

    promise("one record is read by its offset", async (backend) => {
      await filled(backend);
      for (const offset of [0, 5, 9]) {
        assert.equal((await readRecord(backend, "orders", offset)).text, `${offset}`);
      }
    });

    promise("an offset outside the bounds is an error that tells them", async (backend) => {
      await filled(backend);
      await backend.truncate("orders", { before: 4 });
      const below = await rejectsWith("offset-out-of-range", () => offsets(backend, { from: 3 }));
      assert.equal(below.httpStatus, 410);
      assert.equal(below.details.logStartOffset, 4);
      const above = await rejectsWith("offset-out-of-range", () => offsets(backend, { from: 11 }));
      assert.equal(above.httpStatus, 416);
      assert.equal(above.details.nextOffset, 10);
      await rejectsWith("offset-out-of-range", () => readRecord(backend, "orders", 10));
      await rejectsWith("offset-out-of-range", () => readRecord(backend, "orders", 3));
    });

    promise("an offset is found by time", async (backend) => {
      for (const timestamp of [100, 300, 200, 400]) {
        await backend.append("orders", [{ value: "x", timestamp }]);
      }
      const found: number[] = [];
      for (const time of [0, 100, 101, 300, 301, 400, 401]) {
        found.push(await backend.offsetAt("orders", time));
      }
      assert.deepEqual(found, [0, 0, 1, 1, 3, 3, 4]);
    });

    promise("compressed topics read like others", async (backend) => {
      for (const compression of ["gzip", "zstd"] as const) {
        await backend.ensureTopic(compression, { compression });
        const text = "the same again and again ".repeat(100);
        await backend.append(compression, Array.from({ length: 20 }, () => ({ value: text })));
        const records = await collect(readRecords(backend, compression));
        assert.equal(records.length, 20);
        assert.ok(records.every((record) => record.text === text));
        const [partition] = (await backend.describeTopic(compression)).partitions;
        assert.ok(partition!.bytes < 2000, `${partition!.bytes} bytes`);
      }
    });

    promise("reading goes on across many segments", async (backend) => {
      await backend.ensureTopic("orders", { segmentBytes: 4096 });
      const value = "x".repeat(500);
      for (let i = 0; i < 60; i++) await backend.append("orders", [{ value }]);
      const [partition] = (await backend.describeTopic("orders")).partitions;
      assert.ok(partition!.segments > 5);
      const all = Array.from({ length: 60 }, (_, i) => i);
      assert.deepEqual(await offsets(backend, {}), all);
      assert.deepEqual(await offsets(backend, { reverse: true }), all.toReversed());
      assert.deepEqual(await offsets(backend, { from: 17, until: 43 }), all.slice(17, 43));
    });
  });

  describe(`${name}: follow`, () => {
    promise("a follower gets what is there and what comes, once and in order", async (backend) => {
      await backend.append("orders", [{ value: "a" }]);
      const following = take(readRecords(backend, "orders", { from: 0, follow: true }), 4);
      await backend.append("orders", [{ value: "b" }]);
      await backend.append("orders", [{ value: "c" }, { value: "d" }]);
      assert.deepEqual((await following).map((record) => record.text), ["a", "b", "c", "d"]);
    });

    promise("aborting ends a follower that waits, quietly", async (backend) => {
      await backend.append("orders", [{ value: "a" }]);
      const controller = new AbortController();
      const seen: string[] = [];
      const { signal } = controller;
      for await (const record of readRecords(backend, "orders", { follow: true, signal })) {
        seen.push(record.text);
        queueMicrotask(() => controller.abort());
      }
      assert.deepEqual(seen, ["a"]);
    });

    promise("a follower ends at `until`", async (backend) => {
      await backend.ensureTopic("orders");
      const following = shown(readRecords(backend, "orders", { until: 2, follow: true }));
      for (const value of ["a", "b", "c"]) await backend.append("orders", [{ value }]);
      assert.deepEqual(await following, ["0:a", "1:b"]);
    });

    promise("a follower that a truncation overtakes is told", async (backend) => {
      await backend.append("orders", [{ value: "a" }, { value: "b" }]);
      await backend.append("orders", [{ value: "c" }]);
      const records = readRecords(backend, "orders", { from: 0, follow: true });
      assert.equal((await records.next()).value?.text, "a");
      assert.equal((await records.next()).value?.text, "b");
      const next = records.next();
      assert.equal((await next).value?.text, "c");
      const waiting = records.next();
      await backend.append("orders", [{ value: "d" }]);
      assert.equal((await waiting).value?.text, "d");
      await backend.truncate("orders", { before: 4 });
      await rejectsWith(
        "offset-out-of-range",
        () => collect(backend.batches("orders", { from: 0 })),
      );
    });

    promise("closing the backend ends a follower with an error", async (backend) => {
      await backend.append("orders", [{ value: "a" }]);
      const records = readRecords(backend, "orders", { follow: true });
      assert.equal((await records.next()).value?.text, "a");
      const waiting = rejectsWith("closed", () => records.next());
      await backend.close();
      await waiting;
    });
  });

  describe(`${name}: truncate`, () => {
    const filled = (backend: Backend) =>
      backend.append("orders", Array.from({ length: 10 }, (_, i) => ({ value: `${i}` })));
    const read = (backend: Backend) => shown(readRecords(backend, "orders"));

    promise("before N makes N the first record", async (backend) => {
      await filled(backend);
      const bounds = await backend.truncate("orders", { before: 7 });
      assert.deepEqual([bounds.logStartOffset, bounds.nextOffset], [7, 10]);
      assert.deepEqual(await read(backend), ["7:7", "8:8", "9:9"]);
    });

    promise("to empty keeps the next offset", async (backend) => {
      await filled(backend);
      const bounds = await backend.truncate("orders", { before: 10 });
      assert.deepEqual([bounds.logStartOffset, bounds.nextOffset], [10, 10]);
      assert.deepEqual(await read(backend), []);
      assert.equal((await backend.append("orders", [{ value: "ten" }])).start, 10);
      assert.deepEqual(await read(backend), ["10:ten"]);
    });

    promise(
      "an offset that is gone already changes nothing, one to come is refused",
      async (backend) => {
        await filled(backend);
        await backend.truncate("orders", { before: 5 });
        assert.equal((await backend.truncate("orders", { before: 2 })).logStartOffset, 5);
        await rejectsWith("offset-out-of-range", () => backend.truncate("orders", { before: 11 }));
        assert.equal((await backend.bounds("orders")).logStartOffset, 5);
      },
    );

    promise("after N makes N the last record, and no offset is used again", async (backend) => {
      if (!backend.capabilities.canTruncateAfter) return;
      await filled(backend);
      await backend.truncate("orders", { after: 6 });
      await backend.append("orders", [{ value: "next" }]);
      assert.deepEqual((await read(backend)).slice(-3), ["5:5", "6:6", "10:next"]);
      await rejectsWith("not-found", () => readRecord(backend, "orders", 8));
      const [partition] = (await backend.describeTopic("orders")).partitions;
      assert.equal(partition!.records, 8);
      const starts: number[] = [];
      for (const count of [0, 1, 2, 3, 8, 9]) {
        starts.push(await startOfLast(backend, "orders", { count, partition: 0 }));
      }
      assert.deepEqual(starts, [11, 10, 6, 5, 0, 0]);
      const reversed = await shown(readRecords(backend, "orders", { reverse: true }));
      assert.deepEqual(reversed.slice(0, 3), ["10:next", "6:6", "5:5"]);
    });

    promise("offsets that are no offsets are refused", async (backend) => {
      await filled(backend);
      for (const before of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
        await assert.rejects(() => backend.truncate("orders", { before }));
      }
      assert.equal((await backend.bounds("orders")).logStartOffset, 0);
    });

    promise("one partition is truncated, the others are left alone", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 2 });
      for (const partition of [0, 1]) {
        await backend.append("orders", [{ value: "a" }, { value: "b" }], { partition });
      }
      await backend.truncate("orders", { partition: 1, before: 1 });
      assert.equal((await backend.bounds("orders", 0)).logStartOffset, 0);
      assert.equal((await backend.bounds("orders", 1)).logStartOffset, 1);
    });
  });

  describe(`${name}: close`, () => {
    promise("flush makes everything durable", async (backend) => {
      await backend.ensureTopic("orders", { sync: "os" });
      await backend.append("orders", [{ value: "a" }]);
      await backend.flush("orders");
      const { durableOffset, nextOffset } = await backend.bounds("orders");
      assert.deepEqual([durableOffset, nextOffset], [1, 1]);
    });

    promise("an append can ask for more than its topic's sync mode", async (backend) => {
      await backend.ensureTopic("orders", { sync: "os" });
      assert.equal((await backend.append("orders", [{ value: "a" }])).durable, false);
      const result = await backend.append("orders", [{ value: "b" }], { sync: "always" });
      assert.equal(result.durable, true);
    });

    promise("a closed backend says that it is closed, and closes twice", async (backend) => {
      await backend.append("orders", [{ value: "a" }]);
      await backend.close();
      await backend.close();
      await rejectsWith("closed", () => backend.append("orders", [{ value: "b" }]));
      await rejectsWith("closed", () => backend.listTopics());
      await rejectsWith("closed", () => collect(backend.batches("orders")));
    });
  });
}
