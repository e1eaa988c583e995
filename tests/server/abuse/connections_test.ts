/** Connections that cost their client nothing: slow ones, idle ones, and long queues on one. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { abusedServer } from "./abused_server.ts";
import { allFrom, answerTo, openRaw, statusesOf } from "./raw_abuse.ts";

const GET = "GET /livez HTTP/1.1\r\nHost: localhost\r\n";
const POST = "POST /v1/topics/slow/records HTTP/1.1\r\nHost: localhost\r\n";

/** Sends a byte again and again, as long as somebody takes it. @returns what came back in the end */
async function drip(socket: Socket, start: string): Promise<string> {
  const answer = allFrom(socket);
  socket.write(start);
  const timer = setInterval(() => socket.writable && socket.write("x"), 20);
  return await answer.finally(() => clearInterval(timer));
}

for (const hasTls of [false, true]) {
  const over = hasTls ? ", over TLS" : "";
  test(`100 clients whose headers and bodies drip are told 408 and ended${over}`, async () => {
    const flags = ["--limits-headers-time", "500ms", "--limits-body-time", "500ms"];
    await using server = await abusedServer({ hasTls, flags });
    const base = server.forgetPeak();
    const starts: string[] = [
      `${GET}X-Slow: `,
      `${POST}Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n[`,
      `${POST}Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n`,
      `${POST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n[`,
    ];
    const slow = Array.from({ length: 100 }, async (_, i) => {
      return await drip(await openRaw(server), starts[i % starts.length]!);
    });
    await server.expectUnharmed();
    for (const answer of await Promise.all(slow)) {
      // A connection that is cut while its client writes may lose what was said.
      assert.match(answer, /^(HTTP\/1\.1 408 [^]*"code":"request-timeout"[^]*)?$/);
    }
    const topics = await server.backend.listTopics();
    assert.deepEqual(topics.map(({ name }) => name), ["unharmed"]);
    await server.expectBounded(base);
  });
}

test("1,000 idle connections keep nobody out, and cost little", async () => {
  await using server = await abusedServer();
  const base = server.forgetPeak();
  const sockets = await Promise.all(Array.from({ length: 1000 }, () => openRaw(server)));
  sockets.forEach((socket, i) => {
    if (i % 2 === 0) socket.write(`${GET}\r\n`); // half of them have been answered once
  });
  await server.expectBounded(base, 128 * 1024 * 1024);
  const isThere = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^seglog_connections(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1]) >= 1000;
  };
  while (!await isThere()); // the system may have taken up some that the server has not seen yet
  await server.expectBounded(base, 128 * 1024 * 1024);
  for (const socket of sockets) socket.destroy();
  await server.expectUnharmed();
});

test("beyond the bound of connections each is told 503, and those before it are served on", async () => {
  await using server = await abusedServer({ flags: ["--limits-connections", "100"] });
  const first = await openRaw(server);
  first.write(`${GET}\r\n`);
  await new Promise((resolve) => first.once("data", resolve)); // now the server has taken it up
  const sockets = await Promise.all(Array.from({ length: 300 }, () => openRaw(server)));
  const turnedAway: string[] = [];
  await new Promise<void>((resolve) => {
    for (const socket of sockets) {
      void allFrom(socket).then((answer) => turnedAway.push(answer) === 201 && resolve());
    }
  });
  for (const answer of turnedAway.slice(0, 201)) {
    assert.match(answer, /^(HTTP\/1\.1 503 [^]*"code":"overloaded"[^]*)?$/);
  }
  const answer = allFrom(first);
  first.write(`${GET}Connection: close\r\n\r\n`);
  assert.deepEqual(statusesOf(await answer), [200]);
  for (const socket of sockets) socket.destroy();
  while (!await server.expectUnharmed().then(() => true, () => false));
});

test("1,000 requests in one write are answered each, in order", async () => {
  await using server = await abusedServer();
  await server.backend.append("queue", Array.from({ length: 1000 }, (_, i) => ({ value: `${i}` })));
  const asked = Array.from(
    { length: 1000 },
    (_, i) =>
      `GET /v1/topics/queue/records/${i} HTTP/1.1\r\nHost: localhost\r\n` +
      `${i === 999 ? "Connection: close\r\n" : ""}\r\n`,
  );
  const answer = await answerTo(server, asked.join(""));
  const offsets = [...answer.matchAll(/"offset":(\d+)/g)].map(([, offset]) => Number(offset));
  assert.deepEqual(offsets, Array.from({ length: 1000 }, (_, i) => i));
});

test("20,000 requests whose answers nobody reads take no more than a few answers' memory", async () => {
  await using server = await abusedServer();
  const base = server.forgetPeak();
  const socket = await openRaw(server);
  socket.pause();
  const request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000);
  // The server may stop reading: what it does not take stays with us.
  for (let i = 0; i < 20; i++) {
    socket.write(request);
    await server.expectUnharmed();
  }
  await server.expectBounded(base);
  socket.destroy();
  await server.expectUnharmed();
});
