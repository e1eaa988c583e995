import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { eventsOf } from "./event_reader.ts";
import { rawConnect } from "./raw_client.ts";
import { until } from "../support/until.ts";
import { hasMetric, jsonOf, jsonRequest, openServer, overriding, type Page } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";

/** A promise that a test settles. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { passed, open };
}

test("stopping with nobody there is done at once, twice if you like", async () => {
  await using opened = await openServer();
  await Promise.all([opened.server.close(), opened.server.close()]);
  await assert.rejects(() => fetch(`${opened.url}/livez`));
});

test("connections that never asked, or are between requests, do not hold up a stop", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  const silent = await rawConnect(opened.port);
  const halfway = await rawConnect(opened.port);
  halfway.write("GET /livez HTTP/1.1\r\nHo");
  const idle = await rawConnect(opened.port);
  idle.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await idle.until('{"status":"ok"}');
  await opened.server.close();
  await Promise.all([halfway.ended, idle.ended]);
  silent.socket.destroy(); // Bun does not know of it yet, and so cannot end it
});

test("followers are told and long polls answered, and then the server is gone", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  const { url, store, server } = opened;
  await store.append("orders", [{ value: "a" }]);
  const following = await fetch(url + RECORDS, { headers: { accept: "text/event-stream" } });
  const events = eventsOf(following);
  while ((await events.next()).value?.event !== "message");
  const waiting = await rawConnect(opened.port);
  waiting.write(`GET ${RECORDS}?from=end&wait=60s HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  // With the one that asks.
  await until(() => hasMetric(url, "seglog_http_requests_in_flight 2\n"));
  const stopped = server.close();
  const { value: last } = await events.next();
  assert.deepEqual([last!.event, last!.data], ["end", '{"reason":"stopping"}']);
  assert.equal((await events.next()).done, true);
  const answer = await waiting.ended;
  assert.match(answer, /^HTTP\/1\.1 200 OK/);
  assert.match(answer.toLowerCase(), /connection: close/);
  assert.match(answer, /"records":\[\],"next":1/);
  await stopped;
});

test("a request under way is answered before the server is gone", async () => {
  await using store = await Store.memory();
  const started = gate();
  const release = gate();
  const slow = overriding(store, {
    async append(...args: Parameters<Store["append"]>) {
      started.open();
      await release.passed;
      return await store.append(...args);
    },
  });
  const server = await serve(slow, { port: 0, limits: { stopMs: 60_000 } });
  const answering = fetch(server.url + RECORDS, jsonRequest("POST", { value: "a" }));
  await started.passed;
  const stopped = server.close();
  await assert.rejects(() => fetch(`${server.url}/livez`), "no new connections");
  release.open();
  const response = await answering;
  assert.equal((await jsonOf(response)).end, 1);
  await stopped;
});

test("a request that never ends is cut off when the deadline is over", async () => {
  await using opened = await openServer({ limits: { stopMs: 50 } });
  const connection = await rawConnect(opened.port);
  connection.write(
    `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      "Content-Length: 100\r\n\r\n{",
  );
  const stuck = await rawConnect(opened.port);
  const value = "x".repeat(1024 * 1024);
  for (let i = 0; i < 40; i++) await opened.store.append("orders", [{ value }]);
  stuck.socket.pause();
  stuck.write(
    `GET ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n`,
  );
  await (await fetch(`${opened.url}/livez`)).text();
  await opened.server.close();
  stuck.socket.resume();
  await Promise.all([connection.ended, stuck.ended]);
});

test("a stream of lines that is being sent is answered with what is in", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  const { store, server, port } = opened;
  await store.ensureTopic("orders");
  const following = store.batches("orders", { follow: true });
  const connection = await rawConnect(port);
  connection.write(
    `POST ${RECORDS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n` +
      'Transfer-Encoding: chunked\r\n\r\nf\r\n{"value": "a"}\n\r\n',
  );
  await following.next();
  await following.return();
  await server.close();
  const answer = await connection.ended;
  assert.match(answer, /^HTTP\/1\.1 503/);
  assert.match(answer, /"appended":1/);
});

test("200 followers get every record once and in order, and all are told of the end", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  const { url, store, server } = opened;
  await store.ensureTopic("orders");
  const total = 50;
  const follow = async () => {
    const response = await fetch(url + RECORDS, { headers: { accept: "text/event-stream" } });
    const seen: number[] = [];
    let last = "";
    for await (const { event, data } of eventsOf(response)) {
      if (event === "message") seen.push(JSON.parse(data).offset);
      last = event;
    }
    return { seen, last };
  };
  const followers = Array.from({ length: 200 }, follow);
  for (let i = 0; i < total; i++) await store.append("orders", [{ value: `${i}` }]);
  const caughtUp = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.includes(`seglog_read_records_total ${200 * total}\n`);
  };
  while (!(await caughtUp()));
  await server.close();
  const expected = Array.from({ length: total }, (_, i) => i);
  for (const { seen, last } of await Promise.all(followers)) {
    assert.deepEqual(seen, expected);
    assert.equal(last, "end");
  }
});

test("pages of a reader that comes with the stop are still whole", async () => {
  await using opened = await openServer();
  const { url, store, server } = opened;
  await store.append("orders", Array.from({ length: 100 }, (_, i) => ({ value: `${i}` })));
  const reading = fetch(url + RECORDS);
  const stopped = server.close();
  const response = await reading.catch(() => undefined); // turned away at the door
  if (response !== undefined) {
    assert.equal((await jsonOf<Page>(response)).records.length, 100);
  }
  await stopped;
});
