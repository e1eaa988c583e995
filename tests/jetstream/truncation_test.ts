/** Truncations that get in each other's way, and what they keep of producers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PRODUCERS_MAX } from "../../core/base/limits.ts";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import { MessageCache } from "../../jetstream/message_cache.ts";
import { PartitionStream } from "../../jetstream/partition_stream.ts";
import { PartitionWriter } from "../../jetstream/partition_writer.ts";
import { partitionNames } from "../../jetstream/stream_names.ts";
import { Streams } from "../../jetstream/streams.ts";
import { truncateBefore } from "../../jetstream/truncate.ts";
import { readRecords } from "../../mod.ts";
import { shown } from "../support/collect.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

/** A stream that lets somebody act when the producers were listed. */
class WatchedStream extends PartitionStream {
  onAsked: (() => Promise<unknown>) | undefined;

  override async lastOf(subject: string) {
    const isControl = subject === this.names.control;
    const act = this.onAsked;
    if (isControl) this.onAsked = undefined;
    const found = await super.lastOf(subject);
    if (isControl) await act?.();
    return found;
  }
}

describe("truncations", () => {
  const server = sharedServer();
  const stamp = (id: string, sequence: number) => ({ producer: { id, epoch: 0, sequence } });

  test("of two at a time neither forgets a producer", withNats, async () => {
    const prefix = newPrefix();
    const { url } = await server();
    await using backend = await openOn(await server(), { prefix });
    const { topic } = await backend.ensureTopic("orders");
    await backend.append("orders", [{ value: "a" }], stamp("p", 0));
    for (let i = 1; i < 6; i++) await backend.append("orders", [{ value: `${i}` }]);

    const parsed = parseClusterUrl(`${url}/?prefix=${prefix}`);
    const connection = await Connection.open(parsed);
    try {
      const stream = new WatchedStream({
        streams: new Streams(connection, parsed),
        names: partitionNames(prefix, topic, 0),
        cache: new MessageCache(),
        what: '"orders"',
        timeoutMs: connection.timeoutMs,
      });
      stream.onAsked = () => backend.truncate("orders", { before: 2 });
      const { logStartOffset } = await truncateBefore(
        stream,
        new PartitionWriter(stream, connection),
        4,
      );
      assert.equal(logStartOffset, 4);
    } finally {
      await connection.close();
    }
    await using fresh = await openOn(await server(), { prefix });
    assert.equal((await fresh.append("orders", [{ value: "a" }], stamp("p", 0))).start, 0);
  });

  test("of two one after another neither forgets a producer", withNats, async () => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix });
    await backend.ensureTopic("orders");
    for (const id of ["p", "q"]) await backend.append("orders", [{ value: id }], stamp(id, 0));
    for (const before of [1, 2]) await backend.truncate("orders", { before });
    await using fresh = await openOn(await server(), { prefix });
    for (const [start, id] of ["p", "q"].entries()) {
      const again = await fresh.append("orders", [{ value: id }], stamp(id, 0));
      assert.equal(again.start, start);
    }
  });

  test("leave a message of which only some records go", withNats, async () => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix });
    for (const values of [["a"], ["b", "c", "d"], ["e"]]) {
      await backend.append("orders", values.map((value) => ({ value })));
    }
    await backend.truncate("orders", { before: 2 });
    await using fresh = await openOn(await server(), { prefix });
    assert.deepEqual(await shown(readRecords(fresh, "orders")), ["2:c", "3:d", "4:e"]);
  });

  test("keep the producers that were seen last, where there are too many", withNats, async () => {
    await using backend = await openOn(await server());
    await backend.ensureTopic("orders");
    const count = PRODUCERS_MAX + 100;
    await Promise.all(Array.from({ length: count }, async (_, i) => {
      await backend.append("orders", [{ value: "x" }], stamp(`p${i}`, 0));
    }));
    await backend.truncate("orders", { before: count });
    for (const i of [100, 101, 500, count - 1]) {
      const again = await backend.append("orders", [{ value: "x" }], stamp(`p${i}`, 0));
      assert.equal(again.start, i);
    }
    const forgotten = await backend.append("orders", [{ value: "x" }], stamp("p99", 0));
    assert.equal(forgotten.start, count);
  });
});
