/** Reading: ranges, both directions, times, segments. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { type Backend, readRecords, waitForOffset } from "../../mod.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import type { Promised } from "./promised.ts";

/** What every backend promises of this. */
export function readSuite(name: string, promise: Promised): void {
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
        assert.equal((await backend.read("orders", offset)).text, `${offset}`);
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
      const many = Array.from({ length: 300 }, (_, i) => 4 + i * 7 % 6);
      assert.deepEqual(
        (await backend.readAll("orders", many)).map(({ offset }) => offset),
        many,
      );
      assert.deepEqual(await backend.readAll("orders", []), []);
      await rejectsWith("offset-out-of-range", () => backend.readAll("orders", [5, 10]));
      await rejectsWith("offset-out-of-range", () => backend.read("orders", 10));
      await rejectsWith("offset-out-of-range", () => backend.read("orders", 3));
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

    promise("a reading waits until the end has passed its min-offset", async (backend) => {
      await filled(backend);
      assert.deepEqual(await offsets(backend, { from: 8, minOffset: 10 }), [8, 9]);
      const patient = { minOffsetWaitMs: 30_000 };
      const all = offsets(backend, { from: 9, minOffset: 13, ...patient });
      const newest = offsets(backend, { from: 12, minOffset: 14, reverse: true, ...patient });
      const passed = waitForOffset(backend, "orders", { minOffset: 13, ...patient });
      for (const values of ["ab", "cd"]) {
        await backend.append("orders", [...values].map((value) => ({ value })));
      }
      assert.equal((await passed).nextOffset, 14);
      assert.deepEqual(await newest, [13, 12]);
      assert.deepEqual((await all).slice(0, 5), [9, 10, 11, 12, 13]);
    });

    promise(
      "a min-offset that does not come in time is told, and where the end is",
      async (backend) => {
        await filled(backend);
        const late = { minOffset: 11, minOffsetWaitMs: 30 };
        const error = await rejectsWith("unavailable", () => offsets(backend, late));
        assert.deepEqual([error.details.minOffset, error.details.nextOffset], [11, 10]);
        assert.equal(error.retryable, true);
        const waiting = waitForOffset(backend, "orders", late);
        await rejectsWith("unavailable", () => waiting);
        await rejectsWith("not-found", () => offsets(backend, { partition: 3, minOffset: 1 }));
      },
    );

    promise("a signal ends the waiting for a min-offset", async (backend) => {
      await filled(backend);
      const ending = new AbortController();
      const reading = offsets(backend, { minOffset: 11, signal: ending.signal });
      ending.abort();
      assert.deepEqual(await reading, []);
    });
  });
}
