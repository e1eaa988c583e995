/** Following: what comes, and how it ends. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { readRecords } from "../../mod.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";
import type { Promised } from "./promised.ts";

/** What every backend promises of this. */
export function followSuite(name: string, promise: Promised): void {
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
}
