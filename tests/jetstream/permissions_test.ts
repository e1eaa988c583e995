/** What the account may not do is told at once, and nothing of it is done. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { rejectsWith } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

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
