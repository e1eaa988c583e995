/** Batches that are larger than a message of the cluster may be. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";
import { readRecords } from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

describe("pieces", () => {
  const server = sharedServer({ maxPayload: 16 * 1024 });
  const bytes = (length: number, seed: number) =>
    new Uint8Array(length).map((_, i) => (i * 31 + seed) >> 3);

  test(
    "a batch of any size is read as it was, from either end and in the middle",
    withNats,
    async () => {
      await using backend = await openOn(await server());
      const values = [10, 100_000, 20, 12_288, 300_000, 30].map(bytes);
      for (const value of values) await backend.append("orders", [{ value }]);
      const same = (records: { value: Uint8Array | null }[], expected: Uint8Array[]) =>
        assert.ok(records.every(({ value }, i) => Buffer.from(value!).equals(expected[i]!)));
      const read = (options = {}) => collect(readRecords(backend, "orders", options));
      assert.equal((await read()).length, values.length);
      same(await read(), values);
      same(await read({ reverse: true }), values.toReversed());
      same(await read({ from: 4 }), values.slice(4));
      same([await backend.read("orders", 1)], [values[1]!]);
      await backend.truncate("orders", { before: 4 });
      same(await read(), values.slice(4));
    },
  );

  test("a truncation in the middle of a batch leaves all of its pieces", withNats, async () => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix });
    const values = [0, 1, 2].map((seed) => bytes(20_000, seed));
    await backend.append("orders", values.map((value) => ({ value })));
    await backend.truncate("orders", { before: 1 });
    await using fresh = await openOn(await server(), { prefix }); // it remembers nothing
    const records = await collect(readRecords(fresh, "orders"));
    assert.deepEqual(records.map(({ offset }) => offset), [1, 2]);
    assert.ok(records.every(({ offset, value }) => Buffer.from(value!).equals(values[offset]!)));
  });

  test("pieces whose end never came are passed over", withNats, async () => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix });
    const { topic } = await backend.ensureTopic("orders");
    await backend.append("orders", [{ value: "a" }]);

    const connection = await connect({ servers: (await server()).url });
    const stream = `SEGLOG_${prefix}_${topic.id}_0`;
    const { streams } = await jetstreamManager(connection);
    const last = await streams.getMessage(stream, {
      last_by_subj: `${prefix}.log.${topic.id}.0.>`,
    });
    const head = JSON.parse(last!.header.get("Seglog-Log"));
    const piece = headers();
    piece.set("Seglog-Log", JSON.stringify({ ...head, base: head.next, pieces: 0 }));
    for (const data of ["half of ", "something"]) {
      await jetstream(connection)
        .publish(`${prefix}.log.${topic.id}.0.+`, data, { headers: piece });
    }
    await connection.close();

    assert.equal((await backend.append("orders", [{ value: bytes(50_000, 1) }])).start, 1);
    const records = await collect(readRecords(backend, "orders"));
    assert.deepEqual(records.map(({ offset, value }) => [offset, value!.length]), [[0, 1], [
      1,
      50_000,
    ]]);
    assert.equal((await backend.describeTopic("orders")).partitions[0]!.records, 2);
  });

  test("writers whose pieces get in each other's way lose nothing", withNats, async () => {
    const prefix = newPrefix();
    await using one = await openOn(await server(), { prefix });
    await using two = await openOn(await server(), { prefix });
    await one.ensureTopic("orders");
    await Promise.all([one, two].map(async (backend, writer) => {
      for (let i = 0; i < 8; i++) {
        await backend.append("orders", [{ value: bytes(40_000 + i, writer) }]);
      }
    }));
    const records = await collect(readRecords(two, "orders"));
    assert.deepEqual(records.map(({ offset }) => offset), records.map((_, i) => i));
    assert.deepEqual(
      records.map(({ value }) => value!.length).toSorted((a, b) => a - b),
      Array.from({ length: 16 }, (_, i) => 40_000 + (i >> 1)),
    );
  });
});
