/** What retention lets go of in a cluster. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { readRecords } from "../../mod.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

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

describe("retention of several nodes", () => {
  const server = sharedServer();
  const openTwo = async () => {
    const prefix = newPrefix();
    const one = await openOn(await server(), { prefix });
    const two = await openOn(await server(), { prefix });
    const close = async () => {
      await one.close();
      await two.close();
    };
    return { prefix, one, two, [Symbol.asyncDispose]: close };
  };
  const appendSome = async (backend: JetStreamBackend, topic: string) => {
    for (let i = 0; i < 6; i++) await backend.append(topic, [{ value: `${i}` }]);
  };

  test("goes by the settings as they are now, whoever changed them", withNats, async () => {
    await using opened = await openTwo();
    const { one, two } = opened;
    await one.ensureTopic("orders", { retentionRecords: 2 });
    await appendSome(one, "orders");
    await two.configureTopic("orders", { retentionRecords: 5 });
    await one.maintain();
    assert.equal((await one.bounds("orders")).logStartOffset, 1);
  });

  test("goes on behind a topic that is gone, or damaged", withNats, async () => {
    await using opened = await openTwo();
    const { prefix, one, two } = opened;
    for (const topic of ["gone", "damaged", "orders"]) {
      await one.ensureTopic(topic, { retentionRecords: 2 });
      await appendSome(one, topic);
    }
    await two.deleteTopic("gone");
    const { id } = (await two.listTopics()).find(({ name }) => name === "damaged")!;
    const other = await connect({ servers: (await server()).url });
    await jetstream(other).publish(`${prefix}.log.${id}.0.-`, "hello");
    await other.close();
    await rejectsWith("corrupt", () => one.maintain());
    assert.equal((await one.bounds("orders")).logStartOffset, 4);
  });
});
