/** Flushing and closing. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { collect, rejectsWith } from "../support/collect.ts";
import type { Promised } from "./promised.ts";

/** What every backend promises of this. */
export function closeSuite(name: string, promise: Promised): void {
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
