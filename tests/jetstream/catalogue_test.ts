/** The list of topics when something goes wrong while it is changed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../core/topic_config.ts";
import { rejectsWith } from "../support/collect.ts";
import { sharedServer, withNats } from "./support.ts";

describe("where an account may have few streams", () => {
  const server = sharedServer({
    config: `accounts { few {
      jetstream { max_streams: 6 }
      users: [{ user: me, password: secret }]
    } }`,
  });
  const open = async () => {
    const { host } = new URL((await server()).url);
    return await JetStreamBackend.open(`nats://me:secret@${host}`);
  };

  test("a topic with too many partitions leaves none of them", withNats, async () => {
    await using backend = await open();
    await rejectsWith("too-large", () => backend.ensureTopic("big", { partitions: 20 }));
    const topic = {
      name: "big",
      id: "a".repeat(32),
      config: { ...DEFAULT_TOPIC_CONFIG, partitions: 9 },
    };
    await rejectsWith("too-large", () => backend.mirrorTarget.adopt(topic));
    assert.deepEqual(await backend.listTopics(), []);
    await backend.ensureTopic("small", { partitions: 5 });
    const error = await rejectsWith("too-large", () => backend.ensureTopic("more"));
    assert.match(error.message, /max_streams/);
    assert.equal((await backend.append("small", [{ value: "a" }])).start, 0);
  });
});
