import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf, type ServerEvent } from "./event_reader.ts";
import { kv, put, setAll } from "./kv_support.ts";
import { openApp, problemOf } from "./support.ts";

function accept(headers: Record<string, string> = {}): RequestInit {
  return { headers: { accept: "text/event-stream", ...headers } };
}

/** The next event that is a change, or the end. */
async function next(events: AsyncGenerator<ServerEvent, void>): Promise<ServerEvent> {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done, "the stream has ended");
    if (value.event !== "retry" && value.event !== "comment") return value;
  }
}

test("each change is an event: what it is, where to go on, and the key with its value", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await setAll(app, "b", { before: "1" });
  const response = await kv(app, "b", accept());
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = eventsOf(response);
  await kv(app, "b/k", put('{"n":9007199254740993}', {}, "application/json"));
  await kv(app, "b/k", { method: "DELETE" });
  const set = await next(events);
  assert.deepEqual([set.event, set.id], ["set", "2"]);
  assert.match(
    set.data,
    /^\{"key":"k","revision":1,"timestamp":"[^"]+Z","type":"json","value":\{"n":9007199254740993\}\}$/,
  );
  const deletion = await next(events);
  assert.deepEqual([deletion.event, deletion.id], ["delete", "3"]);
  assert.match(deletion.data, /^\{"key":"k","revision":2,"timestamp":"[^"]+Z","value":null\}$/);
  await events.return();
});

test("one key is watched, or all with a prefix", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await setAll(app, "b", { "a/1": "x", "a/2": "x", b: "x", tx: "x" });
  const prefixed = eventsOf(await kv(app, "b?prefix=a/&from=0", accept()));
  const single = eventsOf(await kv(app, "b/a%2F2?from=0", accept()));
  const named = eventsOf(await kv(app, "b/tx?from=0", accept()));
  const keyOf = async (events: AsyncGenerator<ServerEvent, void>) =>
    JSON.parse((await next(events)).data).key;
  assert.deepEqual([await keyOf(prefixed), await keyOf(prefixed)], ["a/1", "a/2"]);
  assert.equal(await keyOf(single), "a/2");
  assert.equal(await keyOf(named), "tx");
  await setAll(app, "b", { b: "y", "a/2": "y" });
  assert.equal(await keyOf(prefixed), "a/2");
  assert.equal(await keyOf(single), "a/2");
  for (const events of [prefixed, single, named]) await events.return();
});

test("a client that reconnects goes on at its Last-Event-ID", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await setAll(app, "b", { a: "1", b: "2", c: "3" });
  const events = eventsOf(await kv(app, "b?from=0", accept({ "Last-Event-ID": "2" })));
  assert.equal(JSON.parse((await next(events)).data).key, "c");
  await events.return();
});

test("what cannot be watched is refused before the stream begins", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await problemOf(await kv(app, "none", accept()), 404, "not-found");
  await problemOf(await kv(app, "none/k", accept()), 404, "not-found");
  assert.deepEqual(await store.listTopics(), []);
  await setAll(app, "b", { a: "1", b: "2" });
  for (const bad of ["from=x", "from=-1", "limit=1", "keys=true", "prefix=%FF"]) {
    await problemOf(await kv(app, `b?${bad}`, accept()), 400, "invalid-argument");
  }
  await problemOf(await kv(app, "b", accept({ "Last-Event-ID": "x" })), 400, "invalid-argument");
  await problemOf(await kv(app, "b?from=3", accept()), 416, "offset-out-of-range");
  await store.truncate("b", { before: 1 });
  await problemOf(await kv(app, "b?from=0", accept()), 410, "offset-out-of-range");
});

test("watchers are told when the server stops", async () => {
  const stopping = new AbortController();
  await using opened = await openApp({ stopping: stopping.signal });
  await setAll(opened.app, "b", { a: "1" });
  const events = eventsOf(await kv(opened.app, "b", accept()));
  const ended = next(events);
  stopping.abort();
  const { event, data } = await ended;
  assert.deepEqual([event, data], ["end", '{"reason":"stopping"}']);
  assert.equal((await events.next()).done, true);
});

test("a quiet watch says that it lives", async () => {
  await using opened = await openApp({ limits: { pingMs: 5 } });
  await setAll(opened.app, "b", { a: "1" });
  const events = eventsOf(await kv(opened.app, "b", accept()));
  for (let pings = 0; pings < 3;) {
    const { value } = await events.next();
    if (value!.event === "comment") pings++;
  }
  await events.return();
});

test("a bucket that is deleted ends its watchers with an error", async () => {
  await using opened = await openApp();
  await setAll(opened.app, "b", { a: "1" });
  const events = eventsOf(await kv(opened.app, "b", accept()));
  const ended = next(events);
  await opened.store.deleteTopic("b");
  assert.equal((await ended).event, "error");
});
