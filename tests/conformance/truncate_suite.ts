/** Truncating: from either end. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { type Backend, countRecords, readRecords, startOfLast } from "../../mod.ts";
import type { Cannot } from "../support/cannot.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import type { Promised } from "./promised.ts";

/** What every backend promises of this. */
export function truncateSuite(name: string, promise: Promised, cannot: Cannot): void {
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
      assert.equal(backend.capabilities.canTruncateAfter, true);
      await filled(backend);
      await backend.truncate("orders", { after: 6 });
      await backend.append("orders", [{ value: "next" }]);
      assert.deepEqual((await read(backend)).slice(-3), ["5:5", "6:6", "10:next"]);
      await rejectsWith("not-found", () => backend.read("orders", 8));
      const [partition] = (await backend.describeTopic("orders")).partitions;
      assert.equal(partition!.records, 8);
      const counted = (start: number, end: number) =>
        countRecords(backend, "orders", { start, end, partition: 0 });
      assert.deepEqual([await counted(0, 11), await counted(5, 9), await counted(7, 10)], [
        8,
        2,
        0,
      ]);
      const starts: number[] = [];
      for (const count of [0, 1, 2, 3, 8, 9]) {
        starts.push(await startOfLast(backend, "orders", { count, partition: 0 }));
      }
      assert.deepEqual(starts, [11, 10, 6, 5, 0, 0]);
      const reversed = await shown(readRecords(backend, "orders", { reverse: true }));
      assert.deepEqual(reversed.slice(0, 3), ["10:next", "6:6", "5:5"]);
    }, cannot.truncateAfter);

    if (cannot.truncateAfter !== undefined) {
      promise("after N is refused, and the capabilities say why", async (backend) => {
        await filled(backend);
        const { canTruncateAfter, why } = backend.capabilities;
        assert.deepEqual([canTruncateAfter, why?.canTruncateAfter], [false, cannot.truncateAfter]);
        await rejectsWith("unsupported", () => backend.truncate("orders", { after: 6 }));
        assert.equal((await backend.bounds("orders")).nextOffset, 10);
      });
    }

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
}
