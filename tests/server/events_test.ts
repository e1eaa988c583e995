import assert from "node:assert/strict";
import { test } from "node:test";
import { createApp } from "../../server/app.ts";
import { damagedStore } from "./damaged_store.ts";
import { eventsOf, type ServerEvent } from "./event_reader.ts";
import { openApp, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";

function accept(headers: Record<string, string> = {}): RequestInit {
  return { headers: { accept: "text/event-stream", ...headers } };
}

/** The next event that is not about reconnecting. */
async function next(events: AsyncGenerator<ServerEvent, void>): Promise<ServerEvent> {
  for (;;) {
    const { value, done } = await events.next();
    assert.ok(!done, "the stream has ended");
    if (value.event !== "retry") return value;
  }
}

const offsetOf = ({ data }: ServerEvent) => JSON.parse(data).offset;

test("events are what is there and what comes; the id is where to go on", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", [{ value: '{\n"n":9007199254740993\n}', type: "json" }]);
  const response = await app.request(RECORDS, accept());
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const events = eventsOf(response);
  const first = await next(events);
  assert.deepEqual([first.event, first.id], ["message", "1"]);
  assert.ok(first.data.includes('{ "n":9007199254740993 }'), first.data);
  await store.append("orders", [{ value: "a" }, { value: "b" }]);
  assert.deepEqual([offsetOf(await next(events)), offsetOf(await next(events))], [1, 2]);
  await events.return();
});

test("a client that reconnects goes on at its Last-Event-ID", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", ["a", "b", "c"].map((value) => ({ value })));
  const events = eventsOf(await app.request(`${RECORDS}?from=0`, accept({ "Last-Event-ID": "2" })));
  assert.equal(offsetOf(await next(events)), 2);
  await events.return();
  for (const bad of ["-1", "x", "9007199254740993"]) {
    const response = await app.request(RECORDS, accept({ "Last-Event-ID": bad }));
    await problemOf(response, 400, "invalid-argument");
  }
  const gone = await app.request(RECORDS, accept({ "Last-Event-ID": "9" }));
  await problemOf(gone, 416, "offset-out-of-range");
});

test("events end at the limit and at `until`, and say that they are complete", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", ["a", "b", "c"].map((value) => ({ value })));
  for (const query of ["limit=2", "until=2", "from=1&until=3"]) {
    const seen: ServerEvent[] = [];
    for await (const event of eventsOf(await app.request(`${RECORDS}?${query}`, accept()))) {
      seen.push(event);
    }
    assert.deepEqual(seen.map(({ event }) => event), ["retry", "message", "message", "end"]);
    assert.equal(seen.at(-1)!.data, '{"reason":"complete"}');
  }
});

test("`until` may lie ahead", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", [{ value: "a" }]);
  const events = eventsOf(await app.request(`${RECORDS}?until=2`, accept()));
  assert.equal(offsetOf(await next(events)), 0);
  await store.append("orders", [{ value: "b" }, { value: "c" }]);
  assert.equal(offsetOf(await next(events)), 1);
  assert.equal((await next(events)).event, "end");
});

test("followers are told when the server stops", async () => {
  const stopping = new AbortController();
  await using opened = await openApp({ stopping: stopping.signal });
  await opened.store.ensureTopic("orders");
  const events = eventsOf(await opened.app.request(RECORDS, accept()));
  const ended = next(events);
  stopping.abort();
  const { event, data } = await ended;
  assert.deepEqual([event, data], ["end", '{"reason":"stopping"}']);
  assert.equal((await events.next()).done, true);
});

test("a quiet stream says that it lives", async () => {
  await using opened = await openApp({ limits: { pingMs: 5 } });
  await opened.store.ensureTopic("orders");
  const events = eventsOf(await opened.app.request(RECORDS, accept()));
  for (let i = 0; i < 3; i++) assert.equal((await next(events)).data, "ping");
  await opened.store.append("orders", [{ value: "a" }]);
  let event = await next(events);
  while (event.event === "comment") event = await next(events);
  assert.equal(offsetOf(event), 0);
  await events.return();
});

test("a client that leaves is forgotten", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.ensureTopic("orders");
  const followers = async () => {
    const text = await (await app.request("/metrics")).text();
    return Number(/^seglog_followers (\d+)$/m.exec(text)?.[1]);
  };
  const response = await app.request(RECORDS, accept());
  const reader = response.body!.getReader();
  await reader.read();
  assert.equal(await followers(), 1);
  await reader.cancel();
  assert.equal(await followers(), 0);
});

test("an error within the stream is its last event", async () => {
  await using store = await damagedStore();
  const events = eventsOf(await createApp(store).request(RECORDS, accept()));
  assert.equal(offsetOf(await next(events)), 0);
  const { event, data } = await next(events);
  assert.deepEqual([event, JSON.parse(data).code], ["error", "corrupt"]);
  assert.equal((await events.next()).done, true);
});

test("a topic that is deleted ends its followers with an error", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", [{ value: "a" }]);
  const events = eventsOf(await app.request(RECORDS, accept()));
  await next(events);
  await store.deleteTopic("orders");
  assert.equal((await next(events)).event, "error");
});

test("only a key's records are sent when asked to", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", ["a", "b", "a"].map((key) => ({ key, value: key })));
  const events = eventsOf(await app.request(`${RECORDS}?key=a&limit=2`, accept()));
  assert.deepEqual([offsetOf(await next(events)), offsetOf(await next(events))], [0, 2]);
  assert.equal((await next(events)).event, "end");
});

test("following in reverse is refused", async () => {
  await using opened = await openApp();
  await opened.store.ensureTopic("orders");
  const response = await opened.app.request(`${RECORDS}?reverse=true`, accept());
  await problemOf(response, 400, "invalid-argument");
});
