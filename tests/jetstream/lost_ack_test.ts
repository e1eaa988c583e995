/** Connections that are cut between an append and its acknowledgement, and servers that go away. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { readRecords } from "../../mod.ts";
import { proxyTo } from "../client/proxy.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { newPrefix, sharedServer, withNats } from "./support.ts";

/** How long it is tried where nobody answers: what is answered takes less, whoever needs the machine. */
const IN_VAIN_MS = 5000;

describe("lost acknowledgements", () => {
  const server = sharedServer();
  const openProxied = async (timeoutMs = 30_000) => {
    const proxy = await proxyTo(Number(new URL((await server()).url).port));
    const url = `${proxy.url.replace("http:", "nats:")}/?prefix=${newPrefix()}`;
    const lost = Promise.withResolvers<void>();
    const backend = await JetStreamBackend.open(url, {
      timeoutMs,
      onNotice: (notice) => /is lost/.test(notice) && lost.resolve(),
    });
    return {
      proxy,
      backend,
      /** Resolves when the backend has noticed that its connection is gone. */
      lost: lost.promise,
      async [Symbol.asyncDispose]() {
        await backend.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  };

  test(
    "an append whose answer is lost is stored once, and told with its offset",
    withNats,
    async () => {
      await using opened = await openProxied();
      const { proxy, backend } = opened;
      await backend.ensureTopic("orders");
      for (let i = 0; i < 20; i++) {
        if (i % 2 === 0) proxy.loseAnswers = 1;
        const result = await backend.append("orders", [{ value: `${i}` }]);
        assert.equal(result.start, i);
      }
      assert.deepEqual(
        (await collect(readRecords(backend, "orders"))).map(({ text }) => text),
        Array.from({ length: 20 }, (_, i) => `${i}`),
      );
    },
  );

  test(
    "many appends under way when the connection is cut come once, in order",
    withNats,
    async () => {
      await using opened = await openProxied();
      const { proxy, backend } = opened;
      await backend.ensureTopic("orders");
      const appends: Promise<{ start: number }>[] = [];
      for (let i = 0; i < 200; i++) {
        appends.push(backend.append("orders", [{ value: `${i}` }]));
        if (i % 40 === 0) {
          proxy.loseAnswers = 1;
          await appends.at(-1);
        }
      }
      const starts = (await Promise.all(appends)).map(({ start }) => start);
      assert.deepEqual(starts, Array.from({ length: 200 }, (_, i) => i));
      const records = await collect(readRecords(backend, "orders"));
      assert.deepEqual(records.map(({ text }) => text), starts.map(String));
    },
  );

  test("a follower goes on where it was when its connection is back", withNats, async () => {
    await using opened = await openProxied();
    const { proxy, backend } = opened;
    await backend.append("orders", [{ value: "a" }]);
    const records = readRecords(backend, "orders", { from: 0, follow: true });
    assert.equal((await records.next()).value!.text, "a");
    await proxy.cut();
    await proxy.open();
    await backend.append("orders", [{ value: "b" }, { value: "c" }]);
    assert.deepEqual((await take(records, 2)).map(({ text }) => text), ["b", "c"]);
  });

  test(
    "while nobody is there, appends and reads say so when their time is up",
    withNats,
    async () => {
      await using opened = await openProxied(IN_VAIN_MS);
      const { proxy, backend, lost } = opened;
      await backend.append("orders", [{ value: "a" }]);
      await proxy.cut();
      await lost;
      await Promise.all([
        rejectsWith("unavailable", () => backend.append("orders", [{ value: "b" }])),
        rejectsWith("unavailable", () => backend.bounds("orders")),
      ]);
      await proxy.open();
      const again = async (): Promise<void> => {
        try {
          assert.equal((await backend.append("orders", [{ value: "c" }])).start, 1);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "unavailable");
          await again(); // the connection takes a moment
        }
      };
      await again();
      assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:c"]);
    },
  );

  test(
    "an append that the server never answers is unknown, and there once or not at all",
    withNats,
    async () => {
      await using opened = await openProxied(IN_VAIN_MS);
      const { backend } = opened;
      await backend.append("orders", [{ value: "a" }]);
      await (await server()).pause();
      const appending = rejectsWith(
        "outcome-unknown",
        () => backend.append("orders", [{ value: "b" }]),
      );
      await appending;
      (await server()).resume();
      await backend.append("orders", [{ value: "c" }]);
      const found = await shown(readRecords(backend, "orders"));
      assert.ok(
        ["0:a 1:b 2:c", "0:a 1:c"].includes(found.join(" ")),
        found.join(" "),
      );
    },
  );

  test(
    "a change of topics under way when the backend is closed ends with it",
    withNats,
    async () => {
      await using opened = await openProxied();
      const { backend } = opened;
      await backend.ensureTopic("orders");
      const begun = Promise.withResolvers<void>();
      const changes = (async () => {
        for (let i = 1;; i++) {
          await backend.configureTopic("orders", { retentionRecords: i });
          begun.resolve();
        }
      })();
      changes.catch(() => {});
      await begun.promise;
      await backend.close();
      await rejectsWith("closed", () => changes);
    },
  );

  test("what is acknowledged is there after kill -9 of the server", withNats, async () => {
    await using own = await startNats();
    await using backend = await JetStreamBackend.open(own.url);
    await backend.ensureTopic("orders");
    const acknowledged: number[] = [];
    const appending = (async () => {
      for (let i = 0; i < 60; i++) {
        acknowledged.push((await backend.append("orders", [{ value: `${i}` }])).start);
        if (i === 20) await own.restart();
      }
    })();
    await appending;
    assert.deepEqual(acknowledged, Array.from({ length: 60 }, (_, i) => i));
    const records = await collect(readRecords(backend, "orders"));
    assert.deepEqual(records.map(({ text }) => text), acknowledged.map(String));
  });
});

test("where no server is, connecting says so", async () => {
  await rejectsWith(
    "unavailable",
    () => JetStreamBackend.open("nats://127.0.0.1:1", { timeoutMs: 1000 }),
  );
});
