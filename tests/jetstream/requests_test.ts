/** How often the cluster is asked: each request is a way there and back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { readRecords } from "../../mod.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

/** A request that nobody answers within 500 ms is made again: below this time each was made once. */
const QUICK_MS = 300;
const TRIES_MAX = 20;

describe("requests", () => {
  const server = sharedServer();

  /**
   * The kinds of requests to JetStream that something makes, which is done anew when it took so long
   * that one may have been made again.
   *
   * @param prepare what makes none that count
   */
  async function requestsOf(prepare: () => Promise<() => Promise<unknown>>): Promise<string[]> {
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const { requests, tookMs } = await watched(await prepare());
      if (tookMs < QUICK_MS) return requests;
    }
    assert.fail(`it never takes less than ${QUICK_MS} ms`);
  }

  async function watched(run: () => Promise<unknown>) {
    const connection = await connect({ servers: (await server()).url });
    const requests: string[] = [];
    connection.subscribe("$JS.API.>", {
      callback: (_, { subject }) => void requests.push(subject.split(".").slice(2, 4).join(" ")),
    });
    await connection.flush();
    const startedMs = performance.now();
    await run();
    const tookMs = performance.now() - startedMs;
    await connection.flush();
    await connection.close();
    return { requests, tookMs };
  }

  test(
    "a single record is read by a look at the end and its message, which is kept",
    withNats,
    async () => {
      const prefix = newPrefix();
      await using writer = await openOn(await server(), { prefix });
      for (let i = 0; i < 100; i++) await writer.append("orders", [{ value: `${i}` }]);
      await using backend = await openOn(await server(), { prefix });
      const read = async () => assert.equal((await backend.read("orders", 20)).text, "20");
      await read();
      const readOn = async () => {
        for await (const record of readRecords(backend, "orders", { from: 20 })) {
          assert.equal(record.offset, 20);
          break;
        }
      };
      for (const run of [read, readOn]) {
        assert.deepEqual(await requestsOf(() => Promise.resolve(run)), ["STREAM MSG"]);
      }
    },
  );

  test(
    "callers at once who have not used a topic before look for it together",
    withNats,
    async () => {
      await using opened = new AsyncDisposableStack();
      const requests = await requestsOf(async () => {
        const prefix = newPrefix();
        await using other = await openOn(await server(), { prefix });
        await other.ensureTopic("orders");
        const backend = opened.use(await openOn(await server(), { prefix }));
        const append = () => backend.append("orders", [{ value: "a" }]);
        return () => Promise.all(Array.from({ length: 64 }, append));
      });
      // The catalogue, then the end of the stream, which is empty.
      assert.deepEqual(requests, ["STREAM MSG", "STREAM MSG", "STREAM INFO"]);
    },
  );
});
