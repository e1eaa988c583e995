/** Calls that have to end although appends never stop, and readers whom a truncation overtakes. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { rejectsWith } from "../support/collect.ts";
import { openOn, sharedServer, withNats } from "./support.ts";

describe("under load", () => {
  const server = sharedServer();

  /** Runs while something is always waiting to be appended. */
  const whileAppending = async (run: (backend: JetStreamBackend) => Promise<void>) => {
    await using backend = await openOn(await server());
    await backend.ensureTopic("orders");
    let isOver = false;
    const appending = (async () => {
      const waiting = new Set<Promise<unknown>>();
      while (!isOver) {
        const append = backend.append("orders", [{ value: "x" }])
          .finally(() => waiting.delete(append));
        waiting.add(append);
        if (waiting.size > 200) await Promise.race(waiting);
        await new Promise((resolve) => setImmediate(resolve)); // some wait whenever one is stored
      }
      await Promise.all(waiting);
    })();
    try {
      const end = async () => (await backend.bounds("orders")).nextOffset;
      while (await end() < 20);
      const before = await end();
      await run(backend);
      assert.ok(await end() < before + 2000, `${await end() - before} appends were waited for`);
    } finally {
      isOver = true;
      await appending;
    }
  };

  test("a flush ends while others append", withNats, async () => {
    await whileAppending((backend) => backend.flush("orders"));
  });

  test("a truncation is made while others append", withNats, async () => {
    await whileAppending(async (backend) => {
      assert.equal((await backend.truncate("orders", { before: 10 })).logStartOffset, 10);
    });
  });

  test("a reader whom a truncation overtakes is told, not ended early", withNats, async () => {
    await using backend = await openOn(await server());
    for (let i = 0; i < 20; i++) await backend.append("orders", [{ value: `${i}` }]);
    const batches = backend.batches("orders");
    assert.equal((await batches.next()).value!.baseOffset, 0);
    await backend.truncate("orders", { before: 20 });
    await rejectsWith("offset-out-of-range", async () => {
      for await (const _ of batches);
    });
  });
});
