/** Messages that are lost on their way from the cluster to a follower. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { readRecords } from "../../mod.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

const LOOKS_MAX = 10_000;

describe("a follower", () => {
  const server = sharedServer();

  test("gets the last message when another got it in its place", withNats, async () => {
    const prefix = newPrefix();
    await using backend = await openOn(await server(), { prefix });
    const { topic } = await backend.ensureTopic("orders");
    await backend.append("orders", [{ value: "0" }]);
    const records = readRecords(backend, "orders", { from: 0, follow: true });
    assert.equal((await records.next()).value!.text, "0");
    const coming = records.next(); // only what comes after the first message is fed
    await backend.append("orders", [{ value: "1" }]);
    assert.equal((await coming).value!.text, "1");

    const other = await connect({ servers: (await server()).url });
    const stream = `SEGLOG_${prefix}_${topic.id}_0`;
    const { consumers } = await jetstreamManager(other);
    const [consumer] = await Array.fromAsync(consumers.list(stream));
    const { name } = consumer!;
    const stealing = (await jetstream(other).consumers.get(stream, name)).next();
    let inLine = 0;
    for (let i = 0; i < LOOKS_MAX && inLine < 2; i++) {
      inLine = (await consumers.info(stream, name)).num_waiting;
    }
    assert.equal(inLine, 2, "it is in line behind the follower");
    const reading = (async () => {
      const texts: string[] = [];
      for await (const { text } of records) {
        texts.push(text!);
        if (text === "3") return texts;
      }
    })();
    await backend.append("orders", [{ value: "2" }]);
    await backend.append("orders", [{ value: "3" }]);
    assert.ok(await stealing !== null);
    await other.close();
    assert.deepEqual(await reading, ["2", "3"]);
  });
});
