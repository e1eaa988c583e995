/** What retention lets go of in a cluster. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readRecords } from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { openOn, sharedServer, withNats } from "./support.ts";

describe("retention in a cluster", () => {
  const server = sharedServer();
  const kept = async (
    config: object,
    timestampOf = (_: number): number | undefined => undefined,
  ) => {
    await using backend = await openOn(await server());
    await backend.ensureTopic("orders", config);
    for (let i = 0; i < 20; i++) {
      const timestamp = timestampOf(i);
      const value = `${i} ${"x".repeat(900)}`;
      await backend.append("orders", [{ value, ...timestamp === undefined ? {} : { timestamp } }]);
    }
    await backend.maintain();
    await backend.maintain(); // again, and nothing changes
    const records = await collect(readRecords(backend, "orders"));
    assert.equal((await backend.bounds("orders")).nextOffset, 20);
    assert.equal((await backend.append("orders", [{ value: "next" }])).start, 20);
    return records.map(({ offset }) => offset);
  };

  test("keeps all without a limit", withNats, async () => {
    assert.equal((await kept({})).length, 20);
  });

  test("keeps the last records", withNats, async () => {
    assert.deepEqual(await kept({ retentionRecords: 3 }), [17, 18, 19]);
  });

  test("keeps the last bytes", withNats, async () => {
    assert.deepEqual(await kept({ retentionBytes: 2500 }), [17, 18, 19]);
  });

  test("keeps what is young, and nothing where all is old", withNats, async () => {
    const dayMs = 24 * 3600 * 1000;
    const timestampOf = (i: number) => Date.now() - (i < 15 ? dayMs : 0);
    assert.deepEqual(await kept({ retentionMs: 3600 * 1000 }, timestampOf), [15, 16, 17, 18, 19]);
    assert.deepEqual(await kept({ retentionMs: 3600 * 1000 }, () => 5), []);
  });
});
