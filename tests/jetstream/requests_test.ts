/** How often the cluster is asked: each request is a way there and back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { readRecords } from "../../mod.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

describe("requests", () => {
  const server = sharedServer();

  /** The kinds of requests to JetStream that something makes. */
  async function requestsOf(run: () => Promise<unknown>): Promise<string[]> {
    const connection = await connect({ servers: (await server()).url });
    const requests: string[] = [];
    connection.subscribe("$JS.API.>", {
      callback: (_, { subject }) => void requests.push(subject.split(".").slice(2, 4).join(" ")),
    });
    await connection.flush();
    await run();
    await connection.flush();
    await connection.close();
    return requests;
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
      assert.deepEqual(await requestsOf(read), ["STREAM MSG"]);
      assert.deepEqual(
        await requestsOf(async () => {
          for await (const record of readRecords(backend, "orders", { from: 20 })) {
            assert.equal(record.offset, 20);
            break;
          }
        }),
        ["STREAM MSG"],
      );
    },
  );

  test(
    "callers at once who have not used a topic before look for it together",
    withNats,
    async () => {
      const prefix = newPrefix();
      await using other = await openOn(await server(), { prefix });
      await other.ensureTopic("orders");
      await using backend = await openOn(await server(), { prefix });
      const append = () => backend.append("orders", [{ value: "a" }]);
      const requests = await requestsOf(() => Promise.all(Array.from({ length: 64 }, append)));
      // The catalogue, then the end of the stream, which is empty.
      assert.deepEqual(requests, ["STREAM MSG", "STREAM MSG", "STREAM INFO"]);
    },
  );
});
