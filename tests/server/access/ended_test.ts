/** What is under way ends when the credentials do that it came in with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemOf } from "../support.ts";
import { type Asking, type GuardedApp, openGuarded } from "./access_support.ts";

const RECORDS = "/v1/topics/orders/records";

async function revoke({ operator }: GuardedApp, name: string): Promise<void> {
  assert.equal((await operator(`/v1/tokens/${name}`, { method: "DELETE" })).status, 200);
}

/** A request with a body that is sent piece by piece. */
function sending(ask: Asking, path: string, type: string) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const answer = ask(path, {
    method: "POST",
    headers: { "content-type": type },
    body: readable,
    duplex: "half",
  } as RequestInit);
  return {
    answer,
    send: (text: string) => writer.write(new TextEncoder().encode(text)),
    /** What is not read any more need not end. */
    end: () => writer.close().catch(() => {}),
  };
}

async function offsetReached({ store }: GuardedApp, offset: number): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  for await (const batch of store.batches("orders", { follow: true, signal })) {
    if (batch.nextOffset >= offset) return;
  }
  assert.fail(`nothing came at ${offset - 1}`);
}

test("a stream of lines that is appended ends with its credentials, also while it is quiet", async () => {
  await using opened = await openGuarded();
  await opened.store.ensureTopic("orders");
  const writer = await opened.somebody({ name: "writer", grants: "produce:orders" });
  const stream = sending(writer, RECORDS, "application/x-ndjson");
  await stream.send('{"value":1}\n{"value":2}\n');
  await offsetReached(opened, 2);
  await revoke(opened, "writer");
  const problem = await problemOf(await stream.answer, 401, "unauthenticated");
  assert.equal(problem.appended, 2);
  void stream.end();
  assert.equal((await opened.store.bounds("orders")).nextOffset, 2);
});

test("a body that comes in after its credentials have ended is not used", async () => {
  await using opened = await openGuarded();
  await opened.store.ensureTopic("orders");
  for (const [i, path] of [RECORDS, "/v1/tokens"].entries()) {
    const name = `writer${i}`;
    const stream = sending(
      await opened.somebody({ name, grants: "admin" }),
      path,
      "application/json",
    );
    await stream.send('{"name":"backdoor","value":1,');
    await revoke(opened, name);
    await stream.send('"grants":"admin"}');
    void stream.end();
    await problemOf(await stream.answer, 401, "unauthenticated");
  }
  assert.equal((await opened.store.bounds("orders")).nextOffset, 0);
});

test("whoever waits for records is not given those that come after their credentials ended", async () => {
  await using opened = await openGuarded();
  await opened.store.append("orders", [{ value: "a" }]);
  const types = ["application/json", "application/x-ndjson", "application/vnd.seglog.batch"];
  for (const [i, accept] of types.entries()) {
    const reader = await opened.somebody({ name: `reader${i}`, grants: "consume:orders" });
    const answer = reader(`${RECORDS}?from=end&wait=30s`, { headers: { accept } });
    await revoke(opened, `reader${i}`);
    await problemOf(await answer, 401, "unauthenticated");
  }
});

test("lines that are read end with the credentials, and say why", async () => {
  await using opened = await openGuarded();
  const value = "x".repeat(100_000);
  for (let i = 0; i < 50; i++) await opened.store.append("orders", [{ value }]);
  const reader = await opened.somebody({ name: "reader", grants: "consume:orders" });
  const answer = await reader(RECORDS, { headers: { accept: "application/x-ndjson" } });
  const body = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok((await body.read()).value!.startsWith("{"));
  await revoke(opened, "reader");
  let rest = "";
  await assert.rejects(async () => {
    for (;;) rest += (await body.read()).value!;
  }, /do not count any more/);
  assert.match(rest, /\{"error":.*"code":"unauthenticated"/);
});
