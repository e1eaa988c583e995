/** Who a client is by its certificate, and which certificates do not count. */
import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { createServer, type TLSSocket } from "node:tls";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { FakeClock } from "../../support/fake_clock.ts";
import { TlsMaterial } from "../../../server/tls/tls_material.ts";
import { subjectOf } from "../../../server/tls/peer.ts";
import {
  type CertFolder,
  certFolder,
  EXPIRED,
  LOCAL,
  NOT_YET,
  VALID,
} from "../../support/certificates.ts";
import { Authority, type Pair } from "../../../cli/cert/certificates.ts";
import { ask, openTlsServer, secureConnect } from "./support.ts";

/** What `subjectOf` says of a client, at a time: its subject, or why it is refused. */
async function seen(certs: CertFolder, client: Pair | undefined, nowMs: number): Promise<string> {
  const material = await TlsMaterial.load(certs.files);
  const told = Promise.withResolvers<string>();
  const server = createServer({ ...material.context() }, (socket: TLSSocket) => {
    socket.on("error", () => {});
    try {
      told.resolve(subjectOf(socket, nowMs) ?? "nobody");
    } catch (error) {
      told.resolve(`${(error as { code: string }).code}: ${(error as Error).message}`);
    }
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { socket } = await secureConnect((server.address() as AddressInfo).port, {
    ca: certs.ca,
    ...client,
  });
  const subject = await told.promise;
  socket.destroy();
  server.close();
  material.close();
  return subject;
}

test("a client is the subject of its certificate, and nobody without one", async () => {
  await using certs = await certFolder();
  const now = Date.now();
  assert.equal(await seen(certs, undefined, now), "nobody");
  assert.equal(await seen(certs, await certs.client("ann"), now), "CN=ann");
  assert.equal(await seen(certs, await certs.client("Zoë"), now), "CN=Zoë");
});

test("no name can be made to look like two, or like another", async () => {
  await using certs = await certFolder();
  const names: [string, string][] = [
    ["ann,O=admins", "CN=ann\\,O=admins"],
    ["ann\nO=admins", "CN=ann\\0AO=admins"],
    ["ann+O=admins", "CN=ann\\+O=admins"],
    ["ann\\,O=admins", "CN=ann\\\\\\,O=admins"],
    [" #ann ", "CN=\\ #ann\\ "],
    ["#04", "CN=\\#04"],
    ["ann\0", "CN=ann\\00"],
    ['"<;>', 'CN=\\"\\<\\;\\>'],
  ];
  for (const [name, subject] of names) {
    assert.equal(await seen(certs, await certs.client(name), Date.now()), subject);
  }
});

test("a certificate that does not count is refused, and the client is told why", async () => {
  await using opened = await openTlsServer({ knowsClients: true });
  const { port, certs } = opened;
  const { ca } = certs;
  const stranger = await Authority.create(VALID);
  const bad: [string, Pair][] = [
    ["expired", await certs.client("ann", EXPIRED)],
    ["not valid yet", await certs.client("ann", NOT_YET)],
    ["not for clients", await certs.issue(LOCAL)],
    ["another authority", await stranger.issue({ kind: "client", name: "ann" }, VALID)],
  ];
  for (const [what, client] of bad) {
    for (const path of ["/livez", "/v1/topics"]) {
      const { status, body } = await ask(port, path, { ca, ...client });
      assert.equal(status, 401, what);
      assert.match(body, /"code":"unauthenticated"/);
      assert.match(body, /certificate of the client/);
    }
  }
  const good = await certs.client("ann");
  assert.equal((await ask(port, "/v1/topics", { ca, ...good })).status, 200);
  assert.equal((await ask(port, "/livez", { ca })).status, 200, "a token may come instead");
});

test("a certificate whose time is over does not count on connections that are open, either", async () => {
  await using certs = await certFolder();
  const client = await certs.client("ann");
  const late = await seen(certs, client, VALID.untilMs + 1000);
  assert.match(late, /^unauthenticated: .*expired/);
});

test("other authorities for clients are taken while the server runs", async () => {
  await using opened = await openTlsServer({ knowsClients: true });
  const { port, certs, material } = opened;
  const { ca } = certs;
  const other = await Authority.create(VALID);
  const theirs = await other.issue({ kind: "client", name: "bob" }, VALID);
  const ours = await certs.client("ann");
  const statusOf = async (client: Pair) =>
    (await ask(port, "/v1/topics", { ca, ...client })).status;
  assert.deepEqual([await statusOf(ours), await statusOf(theirs)], [200, 401]);
  certs.write("ca.crt", other.pair.cert);
  await material.reload();
  assert.deepEqual([await statusOf(ours), await statusOf(theirs)], [401, 200]);
  certs.write("ca.crt", other.pair.cert + ca);
  await material.reload();
  assert.deepEqual([await statusOf(ours), await statusOf(theirs)], [200, 200]);
});

test("a session that is taken up again is still the same client, as long as that counts", async () => {
  await using opened = await openTlsServer({ knowsClients: true });
  const { port, certs, material } = opened;
  const client = { ca: certs.ca, ...await certs.client("ann", VALID) };
  const get = "GET /v1/topics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  let session: Buffer | undefined;
  const statusOf = async () => {
    const { socket, ended } = await secureConnect(port, session ? { ...client, session } : client);
    socket.on("session", (given) => session = given);
    socket.write(get);
    return /^HTTP\/1\.1 (\d+)/.exec(await ended)?.[1];
  };
  assert.deepEqual([await statusOf(), await statusOf()], ["200", "200"]);
  certs.write("ca.crt", (await Authority.create(VALID)).pair.cert);
  await material.reload();
  assert.equal(await statusOf(), "401");
});

test("what goes on for long ends with the time of the certificate that it came in with", async () => {
  const clock = new FakeClock(Date.now());
  await using opened = await openTlsServer({ knowsClients: true, clock, grpc: { port: 0 } });
  const { certs: { ca, ...certs }, port, server, store } = opened;
  await store.ensureTopic("orders");
  const follow = "GET /v1/topics/orders/records HTTP/1.1\r\nHost: localhost\r\n" +
    "Accept: text/event-stream\r\n\r\n";
  const client = { ca, ...await certs.client("ann") };
  const connections = await Promise.all([
    secureConnect(port, client),
    secureConnect(server.grpc!.port, { ...client, ALPNProtocols: ["h2"] }),
    secureConnect(port, { ca }),
  ]);
  const came = connections.map(({ socket }) =>
    new Promise((resolve) => socket.once("data", resolve))
  );
  for (const [i, { socket }] of connections.entries()) {
    // The first bytes of HTTP/2 are its own: the server answers them with its settings.
    socket.write(i === 1 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0" : follow);
  }
  await Promise.all(came);
  while (clock.now() <= VALID.untilMs) clock.advance(24 * 3600 * 1000);
  await Promise.all([connections[0]!.ended, connections[1]!.ended]);
  const { socket } = connections[2]!;
  assert.ok(!socket.destroyed, "who has shown none goes on");
  socket.destroy();
});
