/** Appending: offsets, conditions, retries, refusals. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe } from "node:test";
import { decodeBatch, encodeBatch, json, readRecords, type RecordInput } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import type { Promised } from "./promised.ts";

/** What every backend promises of this. */
export function appendSuite(name: string, promise: Promised): void {
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
      const record = await backend.read("orders", 0);
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
}
