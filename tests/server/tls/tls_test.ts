/** A server with TLS, as clients and those who are none see it. */
import assert from "node:assert/strict";
import { connect as connectPlain, type Socket } from "node:net";
import { test } from "node:test";
import { FakeClock } from "../../support/fake_clock.ts";
import { openServer } from "../support.ts";
import { allOf, ask, openTlsServer, secureConnect } from "./support.ts";

const GET = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** A connection on which nothing is said. */
async function plainConnect(port: number): Promise<{ socket: Socket; ended: Promise<string> }> {
  const socket = connectPlain(port, "127.0.0.1");
  const ended = allOf(socket);
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  return { socket, ended };
}

/** What comes over a connection, when it has come to hold this text. */
function untilHeard(socket: Socket, text: string): Promise<string> {
  let received = "";
  return new Promise((resolve) => {
    socket.on("data", (piece) => {
      received += piece;
      if (received.includes(text)) resolve(received);
    });
  });
}

test("a server with certificates is reached by https, in TLS 1.3", async () => {
  await using opened = await openTlsServer();
  const { port, certs, url } = opened;
  assert.equal(url, `https://127.0.0.1:${port}`);
  const { ca } = certs;
  assert.deepEqual(await ask(port, "/livez", { ca }), {
    status: 200,
    body: '{"status":"ok"}',
    fault: "",
  });
  const { socket } = await secureConnect(port, { ca });
  assert.equal(socket.getProtocol(), "TLSv1.3");
  socket.destroy();
});

test("TLS 1.2 is refused", async () => {
  await using opened = await openTlsServer();
  const { fault } = await ask(opened.port, "/livez", {
    ca: opened.certs.ca,
    maxVersion: "TLSv1.2",
  });
  assert.notEqual(fault, "");
});

test("a client that trusts another authority, or asks for another host, is not answered", async () => {
  await using opened = await openTlsServer();
  await using other = await openTlsServer();
  const { port, certs: { ca } } = opened;
  assert.notEqual((await ask(port, "/livez", { ca: other.certs.ca })).fault, "");
  const { fault } = await ask(port, "/livez", { ca, servername: "log.example" });
  assert.equal(fault, "ERR_TLS_CERT_ALTNAME_INVALID");
  assert.equal((await ask(port, "/livez", { ca })).status, 200);
});

test("plain HTTP to a port with TLS is ended at once, and does no harm", {
  timeout: 20_000,
}, async () => {
  await using opened = await openTlsServer({ limits: { handshakeMs: 600_000 } });
  const { socket, ended } = await plainConnect(opened.port);
  socket.write(GET);
  assert.doesNotMatch(await ended, /HTTP/);
  assert.equal((await ask(opened.port, "/livez", { ca: opened.certs.ca })).status, 200);
});

test("several requests go over one connection", async () => {
  await using opened = await openTlsServer();
  const { socket, ended } = await secureConnect(opened.port, { ca: opened.certs.ca });
  socket.write(GET);
  await new Promise<void>((resolve) => socket.once("data", () => resolve()));
  socket.write(GET);
  socket.write(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assert.equal((await ended).match(/HTTP\/1\.1 200/g)?.length, 3);
});

test("streams go both ways as they come", async () => {
  await using opened = await openTlsServer();
  const { port, certs: { ca } } = opened;
  const records = "/v1/topics/orders/records";
  const lines = await secureConnect(port, { ca });
  lines.socket.write(
    `POST ${records} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
      "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
  );
  lines.socket.write('c\r\n{"value":1}\n\r\n');
  while ((await ask(port, `${records}/0`, { ca })).status !== 200); // the body goes on
  const events = await secureConnect(port, { ca });
  events.socket.write(
    `GET ${records}?from=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`,
  );
  const heard = untilHeard(events.socket, '"value":2');
  lines.socket.write('c\r\n{"value":2}\n\r\n0\r\n\r\n');
  assert.match(await heard, /"value":1/);
  assert.match(await lines.ended, /^HTTP\/1\.1 200/);
  events.socket.destroy();
});

test("a handshake that takes too long is ended", async () => {
  await using opened = await openTlsServer({ limits: { handshakeMs: 50 } });
  const silent = await plainConnect(opened.port);
  const slow = await plainConnect(opened.port);
  slow.socket.write(Uint8Array.of(0x16, 0x03, 0x01));
  assert.equal(await silent.ended, "");
  assert.doesNotMatch(await slow.ended, /HTTP/);
});

test("who is through the handshake and sends nothing, or half of a request, is told and ended", async () => {
  await using opened = await openTlsServer({ limits: { headersMs: 100 } });
  const { port, certs: { ca } } = opened;
  const quiet = await secureConnect(port, { ca });
  const slow = await secureConnect(port, { ca });
  slow.socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  assert.match(await quiet.ended, /^HTTP\/1\.1 408 [^]*request-timeout/);
  assert.match(await slow.ended, /^HTTP\/1\.1 408 [^]*request-timeout/);
});

test("a connection that stays idle after an answer is ended, one that is answered is not", async () => {
  await using opened = await openTlsServer({ limits: { idleMs: 50 } });
  const { port, certs: { ca }, store } = opened;
  await store.ensureTopic("orders");
  const idle = await secureConnect(port, { ca });
  const waiting = await secureConnect(port, { ca });
  idle.socket.write(GET);
  // The second one is under way while the first one is answered.
  waiting.socket.write(
    GET + GET.replace("/livez", "/v1/topics/orders/records?wait=400ms")
      .replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
  );
  assert.match(await idle.ended, /^HTTP\/1\.1 200/);
  assert.equal((await waiting.ended).match(/HTTP\/1\.1 200/g)?.length, 2);
});

test("1,000 handshakes that are never ended do not keep others out", {
  timeout: 60_000,
}, async () => {
  await using opened = await openTlsServer({ limits: { handshakeMs: 600_000 } });
  const { port, certs: { ca } } = opened;
  const half = await Promise.all(Array.from({ length: 1000 }, () => plainConnect(port)));
  for (let i = 0; i < 20; i++) assert.equal((await ask(port, "/livez", { ca })).status, 200);
  await opened.server.close(); // nor do they hold up the end
  await Promise.all(half.map(({ ended }) => ended));
});

test("where all places are taken, a handshake that is not over loses its own", async () => {
  await using opened = await openTlsServer({ limits: { connectionsMax: 3 } });
  const { port, certs: { ca } } = opened;
  const whole = await secureConnect(port, { ca });
  const half = [await plainConnect(port), await plainConnect(port)];
  assert.equal((await ask(port, "/livez", { ca })).status, 200);
  assert.equal(await half[0]!.ended, "");
  assert.equal(half[1]!.socket.destroyed, false);
  half[1]!.socket.destroy();
  whole.socket.destroy();
});

test("one connection too many is turned away, and has its place when another ends", async () => {
  await using opened = await openTlsServer({ limits: { connectionsMax: 2 } });
  const { port, certs: { ca } } = opened;
  const first = await secureConnect(port, { ca });
  const second = await secureConnect(port, { ca });
  for (const { socket } of [first, second]) {
    socket.write(GET);
    await untilHeard(socket, "200");
  }
  assert.notEqual((await ask(port, "/livez", { ca })).fault, "");
  first.socket.destroy();
  while ((await ask(port, "/livez", { ca })).status !== 200);
  second.socket.destroy();
});

test("new certificates are taken while connections are open", async () => {
  const clock = new FakeClock(Date.now());
  const notices: string[] = [];
  await using opened = await openTlsServer({
    looking: { clock, onNotice: (notice) => notices.push(notice) },
  });
  const { port, certs, material } = opened;
  const { ca } = certs;
  const before = await secureConnect(port, { ca });
  const serialOf = async () => {
    const { socket } = await secureConnect(port, { ca });
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const first = await serialOf();
  await certs.writeServer();
  const taken = new Promise<void>((resolve) => material.follow(() => resolve()));
  clock.advance(10_000);
  await taken;
  assert.notEqual(await serialOf(), first);
  before.socket.write(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
  assert.match(await before.ended, /^HTTP\/1\.1 200/);
  assert.match(notices.at(-1)!, /took new certificates from .*server\.crt/);
});

test("a stop answers what is under way and ends the rest", { timeout: 40_000 }, async () => {
  await using opened = await openTlsServer({
    limits: { handshakeMs: 600_000, stopMs: 600_000 },
  });
  const { port, certs: { ca }, store, server } = opened;
  await store.ensureTopic("orders");
  const half = await plainConnect(port);
  const idle = await secureConnect(port, { ca });
  const waiting = await secureConnect(port, { ca });
  waiting.socket.write(GET.replace("/livez", "/v1/topics/orders/records?wait=60s"));
  const inFlight = "seglog_http_requests_in_flight 2\n"; // with the one that asks
  while (!(await ask(port, "/metrics", { ca })).body.includes(inFlight));
  await server.close();
  await half.ended;
  await idle.ended;
  await waiting.ended;
  await assert.rejects(secureConnect(port, { ca }));
});

test("the names in the certificate are the server's own, as others are not", async () => {
  await using opened = await openTlsServer();
  const { port, certs, material } = opened;
  const { ca } = certs;
  const named = async (host: string) => (await ask(port, "/v1", { ca, headers: { host } })).status;
  assert.equal(await named("log.example"), 403);
  await certs.writeServer(
    await certs.issue({ kind: "server", hosts: ["localhost", "log.example", "*.svc.example"] }),
  );
  await material.reload();
  assert.equal(await named("log.example:9000"), 200);
  assert.equal(await named("LOG.EXAMPLE."), 200);
  assert.equal(await named("a.svc.example"), 200);
  for (const host of ["other.example", "svc.example", "a.b.svc.example", "a.log.example"]) {
    assert.equal(await named(host), 403, host);
  }
});

test("without certificates there is plain HTTP", async () => {
  await using opened = await openServer();
  assert.match(opened.url, /^http:/);
});
