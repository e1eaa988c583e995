import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { endOfTurn } from "../../core/base/turn.ts";
import { SOCKET_CLOSE_MS } from "../../server/limits.ts";
import { serve } from "../../server/listen.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { BINARY, frame, openSocket, PING, PONG, type RawSocket, TEXT } from "./raw_socket.ts";
import { until } from "../support/until.ts";
import { hasMetric, openServer, overriding } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";

async function fill(store: Store, count: number, padding = 0): Promise<void> {
  for (let i = 0; i < count; i++) {
    await store.append("orders", [{ value: "x".repeat(padding) }]);
  }
}

async function offsets(socket: RawSocket, count: number): Promise<number[]> {
  const seen = [];
  for (let i = 0; i < count; i++) seen.push((await socket.message()).offset);
  return seen;
}

/** The problem of a refused upgrade. */
function refusal({ head }: RawSocket): { status: number; code: string } {
  const { status, code } = JSON.parse(head.slice(head.indexOf("\r\n\r\n") + 4));
  assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
  assert.match(head, /content-type: application\/problem\+json/);
  return { status, code };
}

async function metric(url: string, line: string): Promise<void> {
  await until(() => hasMetric(url, line));
}

test("messages are what is there and what comes, in the shape of a record", async () => {
  await using opened = await openServer();
  await opened.store.append("orders", [
    { key: "k", value: '{\n"n":9007199254740993\n}', type: "json" },
  ]);
  const socket = new WebSocket(`${opened.url.replace("http", "ws")}${RECORDS}`, "seglog.v1");
  const messages: string[] = [];
  let wake = () => {};
  socket.onmessage = ({ data }) => {
    messages.push(data);
    wake();
  };
  const arrived = async (count: number) => {
    while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  await arrived(1);
  assert.equal(socket.protocol, "seglog.v1");
  assert.match(messages[0]!, /^\{"topic":"orders","partition":0,"offset":0,/);
  assert.ok(messages[0]!.includes('"key":"k","type":"json","value":{ "n":9007199254740993 }'));
  await opened.store.append("orders", [{ value: "a" }, { value: "b" }]);
  await arrived(3);
  assert.deepEqual(messages.slice(1).map((text) => JSON.parse(text).offset), [1, 2]);
  const closed = new Promise<CloseEvent>((resolve) => (socket.onclose = resolve));
  socket.close();
  await closed;
  await metric(opened.url, "seglog_followers 0");
});

test("a subscription begins, ends and chooses as an event stream does", async () => {
  await using opened = await openServer();
  for (const key of ["a", "b", "a", "b"]) {
    await opened.store.append("orders", [{ key, value: key }]);
  }
  const cases: [string, number[]][] = [
    ["?from=1&until=3", [1, 2]],
    ["?limit=1", [0]],
    ["?from=-1&limit=1", [3]],
    ["?key=b&limit=2", [1, 3]],
  ];
  for (const [query, expected] of cases) {
    const { messages, closed } = await (await openSocket(opened.port, RECORDS + query)).rest();
    const end = messages.pop();
    assert.deepEqual(messages.map((message) => (message as { offset: number }).offset), expected);
    assert.deepEqual(end, { event: "end", reason: "complete", next: expected.at(-1)! + 1 });
    assert.deepEqual(closed, [1000, "complete"]);
  }
});

test("with batch=true messages are arrays, and notes stand by themselves", async () => {
  await using opened = await openServer({ limits: { lagRecords: 3 } });
  await opened.store.append("orders", ["a", "b", "c"].map((value) => ({ value })));
  const socket = await openSocket(opened.port, `${RECORDS}?batch=true&until=3`);
  const { messages } = await socket.rest();
  assert.deepEqual(messages[0], { event: "lag", from: 0, end: 3, behind: 3 });
  assert.deepEqual((messages[1] as { value: string }[]).map(({ value }) => value), ["a", "b", "c"]);
  assert.deepEqual(messages.slice(2), [
    { event: "caught-up", from: 3, end: 3, behind: 0 },
    { event: "end", reason: "complete", next: 3 },
  ]);
});

test("a slow client is told that it lags and from where, and gets every record in the end", async () => {
  await using opened = await openServer({ limits: { lagRecords: 10, lagMs: 60_000 } });
  await fill(opened.store, 1);
  const socket = await openSocket(opened.port, RECORDS);
  assert.deepEqual(await offsets(socket, 1), [0]);
  socket.socket.pause();
  await fill(opened.store, 300, 64 * 1024);
  socket.socket.resume();
  const notes = [];
  const seen = [];
  while (notes.at(-1)?.event !== "caught-up" || seen.length < 300) {
    const message = await socket.message();
    if (message.event === undefined) seen.push(message.offset);
    else notes.push(message);
  }
  assert.deepEqual(seen, Array.from({ length: 300 }, (_, i) => i + 1));
  assert.deepEqual([notes[0].event, notes[0].end > notes[0].from + 9], ["lag", true]);
  assert.equal(notes[0].behind, notes[0].end - notes[0].from);
  socket.socket.destroy();
});

test("with a credit no more is sent than the client takes, and it is told when that makes it lag", async () => {
  await using opened = await openServer({ limits: { lagMs: 20 } });
  await opened.store.append("orders", ["a", "b", "c", "d"].map((value) => ({ value })));
  const socket = await openSocket(opened.port, `${RECORDS}?credit=2`);
  assert.deepEqual(await offsets(socket, 2), [0, 1]);
  assert.deepEqual(await socket.message(), { event: "lag", from: 2, end: 4, behind: 2 });
  socket.send(TEXT, '{"credit":1}');
  assert.deepEqual(await offsets(socket, 1), [2]);
  socket.send(TEXT, '{"credit":5}');
  assert.deepEqual(await offsets(socket, 1), [3]);
  assert.equal((await socket.message()).event, "caught-up");
  socket.socket.destroy();
  await metric(opened.url, "seglog_followers_lagging 0");
});

test("a reader that retention overtakes is told which offsets are lost, and goes on if it said so", async () => {
  await using store = await Store.memory();
  let batchesRead = 0;
  const counting = overriding(store, {
    async *batches(...args: Parameters<Store["batches"]>) {
      for await (const batch of store.batches(...args)) {
        if (args[0] === "orders") batchesRead++;
        yield batch;
      }
    },
  });
  await using server = await serve(counting, { port: 0 });
  const { port } = server;
  await fill(store, 10);
  const ending = await openSocket(port, `${RECORDS}?credit=1`);
  const skipping = await openSocket(port, `${RECORDS}?credit=1&onLost=skip&until=8`);
  assert.deepEqual([await offsets(ending, 1), await offsets(skipping, 1)], [[0], [0]]);
  while (batchesRead < 4) await endOfTurn(); // the record at 1 was read when the credit was spent
  await store.truncate("orders", { before: 7 });
  for (const socket of [ending, skipping]) socket.send(TEXT, '{"credit":10}');
  assert.deepEqual([await offsets(ending, 1), await offsets(skipping, 1)], [[1], [1]]);
  const { messages: [told], closed } = await ending.rest();
  const { event, error } = told as { event: string; error: Record<string, unknown> };
  assert.deepEqual([event, error.code, error.offset, error.logStartOffset], [
    ...["error", "offset-out-of-range", 2, 7],
  ]);
  assert.deepEqual(closed, [4410, "offset-out-of-range"]);
  const { messages } = await skipping.rest();
  assert.deepEqual(messages.shift(), { event: "lost", start: 2, end: 7, reason: "removed" });
  assert.equal((messages.shift() as { offset: number }).offset, 7);
  assert.deepEqual(messages, [{ event: "end", reason: "complete", next: 8 }]);
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
  const blocked = await openSocket(port, RECORDS);
  blocked.socket.pause();
  const reading = await openSocket(port, RECORDS);
  assert.deepEqual(await offsets(reading, 24), Array.from({ length: 24 }, (_, i) => i));
  while (!(await hasMetric(url, "seglog_followers_cut_total 1"))) {
    clock.advance(100); // in between is seen who has read
  }
  assert.match(notices.join("\n"), /orders\/records: request-timeout: .*read nothing for 1500 ms/);
  await fill(store, 1);
  assert.deepEqual(await offsets(reading, 1), [24]);
  reading.socket.destroy();
  clock.advance(SOCKET_CLOSE_MS);
  blocked.socket.resume();
  await blocked.ended();
});

test("what cannot be subscribed to is refused over HTTP, and nothing is opened", async () => {
  await using opened = await openServer();
  const { store, port } = opened;
  await fill(store, 2);
  const cases: [string, number, string][] = [
    ["/v1/topics/nothing/records", 404, "not-found"],
    ["/v1/topics/orders", 404, "not-found"],
    ["/v1/topics/__seglog%2Fx/records", 404, "not-found"],
    [`${RECORDS}?from=9`, 416, "offset-out-of-range"],
    [`${RECORDS}?colour=red`, 400, "invalid-argument"],
    [`${RECORDS}?credit=-1`, 400, "invalid-argument"],
    [`${RECORDS}?reverse=true`, 400, "invalid-argument"],
    [`${RECORDS}?partition=1`, 404, "not-found"],
    ["/v1/topics/%FF/records", 400, "invalid-argument"],
  ];
  for (const [target, status, code] of cases) {
    assert.deepEqual(refusal(await openSocket(port, target)), { status, code }, target);
  }
  const other = { "sec-websocket-protocol": "mqtt" };
  const refused = refusal(await openSocket(port, RECORDS, other));
  assert.deepEqual(refused, { status: 400, code: "invalid-argument" });
});

test("pages of other sites are refused, those of the server and programs are not", async () => {
  await using opened = await openServer();
  const { store, port } = opened;
  await fill(store, 1);
  for (const origin of ["https://evil.example", "null", `http://127.0.0.1:${port + 1}`]) {
    const refused = refusal(await openSocket(port, RECORDS, { origin }));
    assert.deepEqual(refused, { status: 403, code: "forbidden" });
  }
  const own = await openSocket(port, RECORDS, { origin: `http://127.0.0.1:${port}` });
  assert.deepEqual(await offsets(own, 1), [0]);
  own.socket.destroy();
});

test("a token among the protocols is taken for credentials, and is not sent back", async () => {
  await using opened = await openServer();
  await fill(opened.store, 1);
  const offered = { "sec-websocket-protocol": "seglog.token.abc-DEF_1, seglog.v1" };
  const socket = await openSocket(opened.port, RECORDS, offered);
  assert.match(socket.head, /\r\nSec-WebSocket-Protocol: seglog\.v1\r\n/i);
  assert.doesNotMatch(socket.head, /abc-DEF/);
  socket.socket.destroy();
});

test("subscribers are told the next offset when the server stops, and then it is gone", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  await fill(opened.store, 2);
  const socket = await openSocket(opened.port, RECORDS);
  assert.deepEqual(await offsets(socket, 2), [0, 1]);
  const stopped = opened.server.close();
  const { messages, closed } = await socket.rest();
  assert.deepEqual(messages, [{ event: "end", reason: "stopping", next: 2 }]);
  assert.deepEqual(closed, [1001, "stopping"]);
  await stopped;
});

test("a subscriber that does not answer the end does not hold up the stop", async () => {
  await using opened = await openServer({ limits: { stopMs: 60_000 } });
  await fill(opened.store, 1);
  const socket = await openSocket(opened.port, RECORDS);
  assert.deepEqual(await offsets(socket, 1), [0]);
  await opened.server.close();
  await socket.ended();
});

test("a topic that is deleted ends its subscribers with an error", async () => {
  await using opened = await openServer();
  await fill(opened.store, 1);
  const socket = await openSocket(opened.port, RECORDS);
  await offsets(socket, 1);
  await opened.store.deleteTopic("orders");
  const { messages, closed } = await socket.rest();
  assert.equal((messages[0] as { event: string }).event, "error");
  assert.ok(closed![0] >= 1011, String(closed));
});

test("a client is pinged, stays while it answers, and is cut off when it does not", async () => {
  const clock = new FakeClock();
  const pingMs = 15_000;
  await using opened = await openServer({ clock, limits: { pingMs } });
  await fill(opened.store, 1);
  const socket = await openSocket(opened.port, RECORDS);
  await offsets(socket, 1);
  for (let pings = 0; pings < 5; pings++) {
    clock.advance(pingMs);
    const found = await socket.frame();
    assert.equal(found!.opcode, PING);
    socket.send(PONG, found!.payload);
    // What is asked later is answered later: by then the server has the pong.
    for (let i = 0; i < 3; i++) await metric(opened.url, "seglog_followers 1");
  }
  clock.advance(pingMs);
  clock.advance(pingMs);
  const { closed } = await socket.rest();
  assert.equal(closed, undefined); // it was cut off, after a ping that it left unanswered
  await metric(opened.url, "seglog_followers 0");
});

test("nothing that a client sends does harm: it is closed, and others are not", async () => {
  await using opened = await openServer();
  const { store, port, url } = opened;
  await fill(store, 1);
  const other = await openSocket(port, RECORDS);
  await offsets(other, 1);
  const abuse: [string, Uint8Array[], number[]][] = [
    ["a huge message", [frame(TEXT, "x".repeat(5000))], [1009]],
    ["one that only says that it is", [frame(TEXT, "x", { saysLength: 2 ** 40 })], [1009]],
    ["an unmasked frame", [frame(TEXT, '{"credit":1}', { isMasked: false })], [1002]],
    ["an unknown opcode", [frame(3, "x")], [1002]],
    ["a long ping", [frame(PING, "x".repeat(126))], [1002]],
    ["a binary message", [frame(BINARY, '{"credit":1}')], [4400]],
    ["no JSON", [frame(TEXT, "{")], [4400]],
    ["another message", [frame(TEXT, '{"publish":1}')], [4400]],
    ["a credit that it has not", [frame(TEXT, '{"credit":1}')], [4400]],
    ["text that is not UTF-8", [frame(TEXT, Uint8Array.of(0xff, 0xfe))], [1007, 4400]],
    ["a flood of pings", Array.from({ length: 300 }, () => frame(PING)), [1008]],
    [
      "a flood of messages",
      Array.from({ length: 10_100 }, () => frame(TEXT, '{"credit":1}')),
      [1008],
    ],
    ["nonsense", [Uint8Array.from({ length: 64 }, (_, i) => i * 37)], [1002]],
  ];
  for (const [what, frames, codes] of abuse) {
    const flood = what.endsWith("messages") ? "&credit=1" : "";
    const socket = await openSocket(port, `${RECORDS}?from=0${flood}`);
    for (const bytes of frames) socket.socket.write(bytes);
    const { closed } = await socket.rest();
    // Where the server's bytes met ours on the way, the close may be lost with the connection.
    if (closed !== undefined) assert.ok(codes.includes(closed[0]), `${what}: ${closed}`);
    await socket.ended();
  }
  await fill(store, 1);
  assert.deepEqual(await offsets(other, 1), [1]);
  other.socket.destroy();
  await metric(url, "seglog_followers 0");
});

test("a request to go over to another protocol is answered as any other", async () => {
  await using opened = await openServer();
  await fill(opened.store, 1);
  const upgrade = "h2c";
  const socket = await openSocket(opened.port, "/livez", { upgrade, connection: "Upgrade, close" });
  assert.match(socket.head, /^HTTP\/1.1 200 OK/);
});
