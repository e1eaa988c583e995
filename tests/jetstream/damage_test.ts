/** Streams that something other than seglog made or changed: told, never guessed over. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jetstream, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { readRecords } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

describe("foreign hands", () => {
  const server = sharedServer();

  /** Runs with a backend, and somebody who knows nothing of seglog. */
  const beside = async (
    run: (
      opened: {
        readonly prefix: string;
        readonly backend: JetStreamBackend;
        readonly manager: JetStreamManager;
        readonly other: NatsConnection;
      },
    ) => Promise<void>,
  ) => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix });
    const other = await connect({ servers: (await server()).url });
    try {
      await run({ prefix, backend, manager: await jetstreamManager(other), other });
    } finally {
      await other.close();
    }
  };

  test("a topic is a stream for each partition, with names for people", withNats, async () => {
    await beside(async ({ prefix, backend, manager }) => {
      const { topic } = await backend.ensureTopic("or/ders ä", { partitions: 2 });
      const { config } = await manager.streams.info(`SEGLOG_${prefix}_${topic.id}_1`);
      assert.equal(config.description, 'seglog: topic "or/ders ä", partition 1');
      assert.deepEqual(config.subjects, [`${prefix}.log.${topic.id}.1.>`]);
      assert.equal(config.deny_delete, true);
      assert.equal(config.allow_direct, false);
      await backend.deleteTopic("or/ders ä");
      const { state } = await manager.streams.info(`SEGLOG_${prefix}`);
      assert.equal(state.messages, 0);
      const names: string[] = [];
      for await (const page of manager.streams.names(`${prefix}.>`)) names.push(page);
      assert.deepEqual(names, [`SEGLOG_${prefix}`]);
    });
  });

  test("messages stay few: appends that wait together share one", withNats, async () => {
    await beside(async ({ prefix, backend, manager }) => {
      const { topic } = await backend.ensureTopic("orders");
      await Promise.all(
        Array.from({ length: 500 }, (_, i) => backend.append("orders", [{ value: `${i}` }])),
      );
      const { state } = await manager.streams.info(`SEGLOG_${prefix}_${topic.id}_0`);
      assert.ok(state.messages < 20, `${state.messages} messages`);
    });
  });

  test("any offset is found among messages of very different sizes", withNats, async () => {
    await beside(async ({ backend }) => {
      let count = 0;
      for (let i = 0; i < 60; i++) {
        const size = i % 7 === 0 ? 200 : 1 + i % 3;
        await backend.append(
          "orders",
          Array.from({ length: size }, () => ({ value: `${count}`, timestamp: count++ })),
        );
      }
      for (let offset = 0; offset < count; offset += 13) {
        assert.equal((await backend.read("orders", offset)).text, `${offset}`);
        assert.equal(await backend.offsetAt("orders", offset), offset);
      }
      await backend.truncate("orders", { before: 777 });
      await rejectsWith("offset-out-of-range", () => backend.read("orders", 776));
      assert.equal((await backend.read("orders", 777)).text, "777");
      assert.equal(await backend.offsetAt("orders", 5), 777);
      const { partitions: [info] } = await backend.describeTopic("orders");
      assert.equal(info!.records, count - 777);
    });
  });

  test(
    "a purge of everything is damage, for who knew the log and who did not",
    withNats,
    async () => {
      await beside(async ({ prefix, backend, manager }) => {
        const { topic } = await backend.ensureTopic("orders");
        await backend.append("orders", [{ value: "a" }]);
        await manager.streams.purge(`SEGLOG_${prefix}_${topic.id}_0`);
        await using fresh = await openOn(await server(), { prefix });
        await rejectsWith("corrupt", () => fresh.bounds("orders"));
        await rejectsWith("corrupt", () => fresh.append("orders", [{ value: "b" }]));
        await rejectsWith("corrupt", () => collect(readRecords(fresh, "orders")));
        await rejectsWith("corrupt", () => collect(fresh.batches("orders", { follow: true })));
        await rejectsWith(
          "corrupt",
          () => collect(backend.batches("orders", { from: 0, until: 1 })),
        );
      });
    },
  );

  test(
    "a purge of the front is damage to who reads there, and not behind it",
    withNats,
    async () => {
      await beside(async ({ prefix, backend, manager }) => {
        const { topic } = await backend.ensureTopic("orders");
        for (const value of ["a", "b", "c"]) await backend.append("orders", [{ value }]);
        await manager.streams.purge(`SEGLOG_${prefix}_${topic.id}_0`, { seq: 3 });
        await using fresh = await openOn(await server(), { prefix });
        const error = await rejectsWith("corrupt", () => collect(readRecords(fresh, "orders")));
        assert.match(error.message, /Something other than seglog changed stream/);
        await rejectsWith("corrupt", () => fresh.read("orders", 1));
        assert.deepEqual(await shown(readRecords(fresh, "orders", { from: 2 })), ["2:c"]);
      });
    },
  );

  test(
    "a message that is none of ours is damage, and nothing is written behind it",
    withNats,
    async () => {
      await beside(async ({ prefix, backend, other }) => {
        const { topic } = await backend.ensureTopic("orders");
        await backend.append("orders", [{ value: "a" }]);
        await jetstream(other).publish(`${prefix}.log.${topic.id}.0.-`, "hello");
        await rejectsWith("corrupt", () => backend.append("orders", [{ value: "b" }]));
        await rejectsWith("corrupt", () => backend.bounds("orders"));
      });
    },
  );

  test("a stream that was removed under a topic is told", withNats, async () => {
    await beside(async ({ prefix, backend, manager }) => {
      const { topic } = await backend.ensureTopic("orders");
      await backend.append("orders", [{ value: "a" }]);
      await manager.streams.delete(`SEGLOG_${prefix}_${topic.id}_0`);
      for (
        const use of [
          () => backend.bounds("orders"),
          () => backend.append("orders", [{ value: "b" }]),
        ]
      ) {
        const error = await rejectsWith("corrupt", use);
        assert.match(error.message, /its stream was deleted/);
      }
    });
  });

  test("a stream of another's making in the place of ours is left alone", withNats, async () => {
    await beside(async ({ manager }) => {
      const prefix = newPrefix();
      await manager.streams.add({ name: `SEGLOG_${prefix}`, subjects: [`other.${prefix}`] });
      const error = await rejectsWith("exists", async () => openOn(await server(), { prefix }));
      assert.match(error.message, /another prefix/);
    });
  });
});

test("servers without JetStream are told of", withNats, async () => {
  await using plain = await startNats({ config: "authorization { user: me, password: secret }" });
  const host = plain.url.slice("nats://".length);
  await rejectsWith("unauthenticated", () => JetStreamBackend.open(`nats://me:wrong@${host}`));
  await using backend = await JetStreamBackend.open(`nats://me:secret@${host}`);
  const error = await rejectsWith("unsupported", async () => {
    await using three = await JetStreamBackend.open(`nats://me:secret@${host}/?replicas=3`);
    await three.ensureTopic("orders");
  });
  assert.match(error.message, /replicas/);
  await backend.ensureTopic("orders");
});

describe("a stream that was set back to what it was before", () => {
  const server = sharedServer();

  /** Its messages up to one, in a stream of the same name, as a restored backup has them. */
  const setBack = async (stream: string, last: number) => {
    const other = await connect({ servers: (await server()).url });
    const { streams } = await jetstreamManager(other);
    const { config } = await streams.info(stream);
    const messages = await Promise.all(
      Array.from({ length: last }, (_, i) => streams.getMessage(stream, { seq: i + 1 })),
    );
    await streams.delete(stream);
    await streams.add(config);
    for (const message of messages) {
      const { subject, data, header } = message!;
      header.delete("Nats-Expected-Last-Sequence");
      await jetstream(other).publish(subject, data, { headers: header });
    }
    await other.close();
  };

  test("is gone on with by who knew more of it", withNats, async () => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix, timeoutMs: 3000 });
    const { topic } = await backend.ensureTopic("orders");
    for (const value of ["a", "b", "c", "d"]) await backend.append("orders", [{ value }]);
    assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:b", "2:c", "3:d"]);
    await setBack(`SEGLOG_${prefix}_${topic.id}_0`, 2);
    const append = () => backend.append("orders", [{ value: "x" }]);
    // A leader that was replaced tells of a lower end for a while: only one that stays is believed.
    const [, { nextOffset }] = await Promise.all([
      rejectsWith("outcome-unknown", append),
      backend.bounds("orders"),
    ]);
    assert.equal(nextOffset, 4);
    while ((await backend.bounds("orders")).nextOffset === 4);
    assert.equal((await backend.append("orders", [{ value: "y" }])).start, 2);
    assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:b", "2:y"]);
  });
});
