import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { eventsOf, type ServerEvent } from "./event_reader.ts";
import { rawConnect } from "./raw_client.ts";
import { openSocket } from "./raw_socket.ts";
import { until } from "../support/until.ts";
import { hasMetric, openApp, openServer, overriding, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const EVENTS = { headers: { accept: "text/event-stream" } };

/** Appends batches of one record, whose values are their offsets. */
async function fill(store: Store, count: number, padding = 0): Promise<void> {
  const start = await store.bounds("orders").then(({ nextOffset }) => nextOffset, () => 0);
  for (let i = start; i < start + count; i++) {
    await store.append("orders", [{ value: `${i}${"x".repeat(padding)}` }]);
  }
}

/** Only what is said of records: what they are, or what else there is to say. */
async function* told(response: Response): AsyncGenerator<ServerEvent, void, undefined> {
  for await (const event of eventsOf(response)) {
    if (event.event !== "retry" && event.event !== "comment") yield event;
  }
}

async function next(events: AsyncGenerator<ServerEvent, void>): Promise<ServerEvent> {
  const { value, done } = await events.next();
  assert.ok(!done, "the stream has ended");
  return value;
}

/** `3` for the record at offset 3, the whole event for anything else. */
function short({ event, data }: ServerEvent): unknown {
  return event === "message" ? JSON.parse(data).offset : [event, JSON.parse(data)];
}

test("a subscriber that is far behind is told from where, gets all, and is told when it is there", async () => {
  await using opened = await openApp({ limits: { lagRecords: 10 } });
  await fill(opened.store, 20);
  const events = told(await opened.app.request(`${RECORDS}?from=2`, EVENTS));
  const seen: unknown[] = [];
  for (let i = 0; i < 20; i++) seen.push(short(await next(events)));
  assert.deepEqual(seen.shift(), ["lag", { from: 2, end: 20, behind: 18 }]);
  const caughtUp = seen.findIndex((item) => typeof item !== "number");
  assert.deepEqual(seen[caughtUp], ["caught-up", { from: 19, end: 20, behind: 1 }]);
  seen.splice(caughtUp, 1);
  assert.deepEqual(seen, Array.from({ length: 18 }, (_, i) => i + 2));
  await events.return();
});

test("a subscriber that is near the end is told nothing but records", async () => {
  await using opened = await openApp({ limits: { lagRecords: 10 } });
  await fill(opened.store, 9);
  const events = told(await opened.app.request(RECORDS, EVENTS));
  for (let i = 0; i < 9; i++) assert.equal(short(await next(events)), i);
  await fill(opened.store, 1);
  assert.equal(short(await next(events)), 9);
  await events.return();
});

test("one that falls behind while it follows is told, and told again while that lasts", async () => {
  const clock = new FakeClock();
  await using opened = await openApp({ clock, limits: { lagRecords: 10 } });
  await fill(opened.store, 1);
  const events = told(await opened.app.request(RECORDS, EVENTS));
  assert.equal(short(await next(events)), 0);
  await fill(opened.store, 100);
  const seen = [];
  for (let i = 0; i < 30; i++) {
    seen.push(short(await next(events)));
    clock.advance(1000);
  }
  const lags = seen.filter((item) => typeof item !== "number");
  assert.deepEqual(lags[0], ["lag", { from: 1, end: 101, behind: 100 }]);
  assert.ok(lags.length >= 2 && lags.length <= 4, JSON.stringify(lags));
  assert.deepEqual(seen.filter((item) => typeof item === "number").length, 30 - lags.length);
  await events.return();
});

test("one that leaves what it was sent unread for long is told, however few records wait", async () => {
  const clock = new FakeClock();
  await using opened = await openApp({ clock, limits: { lagMs: 5000, blockedMs: 60_000 } });
  await fill(opened.store, 3);
  const events = told(await opened.app.request(RECORDS, EVENTS));
  assert.equal(short(await next(events)), 0);
  clock.advance(5000);
  assert.deepEqual(short(await next(events)), ["lag", { from: 1, end: 3, behind: 2 }]);
  assert.equal(short(await next(events)), 1);
  assert.equal(short(await next(events)), 2);
  assert.deepEqual(short(await next(events)), ["caught-up", { from: 3, end: 3, behind: 0 }]);
  await events.return();
});

test("how far a reader of one key is from the end does not make it lag", async () => {
  await using opened = await openApp({ limits: { lagRecords: 10 } });
  await opened.store.append("orders", [{ key: "a", value: "a" }]);
  await fill(opened.store, 30);
  await opened.store.append("orders", [{ key: "a", value: "a" }]);
  const events = told(await opened.app.request(`${RECORDS}?key=a`, EVENTS));
  assert.equal(short(await next(events)), 0);
  assert.equal(short(await next(events)), 31);
  await events.return();
});

test("one that ends at an offset lags behind that, and not behind the log", async () => {
  await using opened = await openApp({ limits: { lagRecords: 10 } });
  await fill(opened.store, 30);
  const seen = [];
  for await (const event of told(await opened.app.request(`${RECORDS}?until=5`, EVENTS))) {
    seen.push(short(event));
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, ["end", { reason: "complete" }]]);
});

test("a reader that is overtaken by truncation is told which offsets are lost, and ends", async () => {
  await using opened = await openApp();
  await fill(opened.store, 10);
  const events = told(await opened.app.request(RECORDS, EVENTS));
  assert.equal(short(await next(events)), 0);
  await opened.store.truncate("orders", { before: 7 });
  const { event, data } = await next(events);
  const { code, offset, logStartOffset, status } = JSON.parse(data);
  assert.deepEqual([event, code, offset, logStartOffset, status], [
    ...["error", "offset-out-of-range", 1, 7, 410],
  ]);
  assert.equal((await events.next()).done, true);
});

test("with onLost=skip it is told which offsets are lost, and goes on behind them", async () => {
  await using opened = await openApp();
  await fill(opened.store, 10);
  const events = told(await opened.app.request(`${RECORDS}?onLost=skip`, EVENTS));
  assert.equal(short(await next(events)), 0);
  await opened.store.truncate("orders", { before: 7 });
  const lost = await next(events);
  assert.deepEqual(short(lost), ["lost", { start: 1, end: 7, reason: "removed" }]);
  assert.equal(lost.id, "7"); // one that reconnects is not told again
  assert.deepEqual([short(await next(events)), short(await next(events))], [7, 8]);
  await events.return();
});

test("with onLost=skip a reader that reconnects too late goes on, and is told the same", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await fill(store, 10);
  await store.truncate("orders", { before: 7 });
  const late = { headers: { ...EVENTS.headers, "Last-Event-ID": "3" } };
  await problemOf(await app.request(RECORDS, late), 410, "offset-out-of-range");
  const events = told(await app.request(`${RECORDS}?onLost=skip`, late));
  assert.deepEqual(short(await next(events)), ["lost", { start: 3, end: 7, reason: "removed" }]);
  assert.equal(short(await next(events)), 7);
  await events.return();
  const beyond = { headers: { ...EVENTS.headers, "Last-Event-ID": "11" } };
  const refused = await app.request(`${RECORDS}?onLost=skip`, beyond);
  await problemOf(refused, 416, "offset-out-of-range");
  await problemOf(await app.request(`${RECORDS}?onLost=x`, EVENTS), 400, "invalid-argument");
});

test("a client that never reads is cut off after a while, and the others get everything", async () => {
  const notices: string[] = [];
  const clock = new FakeClock();
  await using opened = await openServer({
    clock,
    limits: { blockedMs: 1500, lagRecords: 1_000_000 },
    onNotice: (notice) => notices.push(notice),
  });
  const { store, url, port } = opened;
  await fill(store, 24, 1024 * 1024);
  const blocked = await rawConnect(port);
  blocked.socket.pause();
  blocked.write(`GET ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
  const events = told(await fetch(url + RECORDS, EVENTS));
  for (let i = 0; i < 24; i++) assert.equal(short(await next(events)), i);
  while (!(await hasMetric(url, "seglog_followers_cut_total 1"))) {
    clock.advance(100); // in between is seen who has read
  }
  assert.match(notices.join("\n"), /orders\/records: request-timeout: .*read nothing for 1500 ms/);
  await fill(store, 1);
  assert.equal(short(await next(events)), 24);
  await events.return();
  blocked.socket.resume();
  const got = await blocked.ended;
  assert.ok(got.length < 24 * 1024 * 1024, "what it got is not everything");
});

test("no more is read for clients that read nothing than fits into their sockets", async () => {
  await using store = await Store.memory();
  const batchesMax = 48;
  await fill(store, batchesMax, 1024 * 1024);
  let handedOut = 0;
  const counting = overriding(store, {
    async *batches(...args: Parameters<Store["batches"]>) {
      for await (const batch of store.batches(...args)) {
        if (args[0] === "orders") handedOut++;
        yield batch;
      }
    },
  });
  await using server = await serve(counting, { port: 0, limits: { blockedMs: 300 } });
  const events = await rawConnect(server.port);
  events.socket.pause();
  events.write(`GET ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
  const socket = await openSocket(server.port, RECORDS);
  socket.socket.pause();
  await until(() => hasMetric(server.url, "seglog_followers_cut_total 2"));
  assert.ok(handedOut < batchesMax, `${handedOut} of 2 times ${batchesMax} MiB`);
  for (const each of [events.socket, socket.socket]) each.destroy();
});
