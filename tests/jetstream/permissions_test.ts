/** What the account may not do is told at once, and nothing of it is done. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { Connection } from "../../jetstream/connection.ts";
import { NatsPost } from "../../jetstream/nats_post.ts";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { rejectsWith } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

test("a letter that may not be sent is told so at once", withNats, async () => {
  await using server = await startNats({
    config: `authorization { users: [
      { user: me, password: secret, permissions: { publish: { deny: ["seglog.node.>"] } } }
    ] }`,
  });
  const url = parseClusterUrl(server.url.replace("//", "//me:secret@"));
  const connection = await Connection.open(url);
  const post = new NatsPost(connection, "seglog");
  await rejectsWith("forbidden", () => post.send("seglog.node.other", {}, { timeoutMs: 60_000 }));
  await connection.close();
});

test("an account that may not write is told so at once, and reads", withNats, async () => {
  await using server = await startNats({
    config: `authorization { users: [
      { user: writer, password: secret },
      { user: reader, password: secret, permissions: {
        publish: { deny: ["seglog.>", "$JS.API.STREAM.CREATE.>"] }
      } }
    ] }`,
  });
  const open = (user: string) =>
    JetStreamBackend.open(server.url.replace("//", `//${user}:secret@`));
  await using writer = await open("writer");
  await writer.append("orders", [{ value: "a" }]);
  await using reader = await open("reader");
  for (
    const refused of [
      () => reader.append("orders", [{ value: "b" }]),
      () => reader.ensureTopic("others"),
    ]
  ) {
    const { message } = await rejectsWith("forbidden", refused);
    assert.match(message, /may not publish on .*ask who runs the servers/);
  }
  assert.equal((await reader.read("orders", 0)).text, "a");
  assert.equal((await writer.bounds("orders")).nextOffset, 1);
});
