/** WebSockets over TLS: the same, and whoever has a certificate is known by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "node:tls";
import type { Pair } from "../../../cli/cert/certificates.ts";
import { openSocketOn } from "../raw_socket.ts";
import { openTlsServer, secureConnect } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";
const HOST = { host: "localhost" };

test("a WebSocket over TLS outlives the time that a quiet connection has", async () => {
  await using opened = await openTlsServer({ limits: { headersMs: 300, idleMs: 300 } });
  const { store, port, certs } = opened;
  await store.append("orders", [{ value: "a" }]);
  // What it asks for goes out with the end of the handshake, before it could be called quiet.
  const socket = connect({ host: "127.0.0.1", servername: "localhost", ca: certs.ca, port });
  const subscribed = await openSocketOn(socket, RECORDS, HOST);
  assert.equal((await subscribed.message()).value, "a");
  // Another connection is ended for its silence meanwhile, and so would this one be.
  const quiet = await secureConnect(port, { ca: certs.ca });
  await new Promise((resolve) => quiet.socket.once("close", resolve).resume());
  await store.append("orders", [{ value: "b" }]);
  assert.equal((await subscribed.message()).value, "b");
  const stopped = opened.server.close();
  const { messages, closed } = await subscribed.rest();
  assert.deepEqual(messages, [{ event: "end", reason: "stopping", next: 2 }]);
  assert.deepEqual(closed, [1001, "stopping"]);
  await stopped;
});

test("a subscriber is who its certificate says", async () => {
  await using opened = await openTlsServer({ knowsClients: true });
  const { store, port, certs } = opened;
  await store.append("orders", [{ value: "a" }]);
  const body = JSON.stringify({ name: "ann", grants: "consume:orders", subject: "CN=ann" });
  const making = await secureConnect(port, { ca: certs.ca });
  making.socket.write(
    `POST /v1/tokens HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(await making.ended, /^HTTP\/1\.1 201 /);
  const statusFor = async (pair: Pair | undefined) => {
    const { socket } = await secureConnect(port, { ca: certs.ca, ...pair });
    const { head } = await openSocketOn(socket, RECORDS, HOST);
    socket.destroy();
    return Number(/^HTTP\/1\.1 (\d+)/.exec(head)![1]);
  };
  assert.equal(await statusFor(undefined), 401);
  assert.equal(await statusFor(await certs.client("ann")), 101);
  assert.equal(await statusFor(await certs.client("bob")), 401);
});
