/** The client over TLS: whom it trusts, and how it shows who it is. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createServer as createSecureServer } from "node:tls";
import { connect, readRecords } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { type CertFolder, certFolder, EXPIRED, LOCAL } from "../support/certificates.ts";
import { rejectsWith, shown, take } from "../support/collect.ts";
import { openTlsServer } from "../server/tls/support.ts";

const ONCE = { retries: 0 };

test("records go over TLS and back, large ones, many and as they come", async () => {
  await using opened = await openTlsServer();
  await using backend = await connect(opened.url, { tls: { ca: opened.certs.ca } });
  const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 7);
  await backend.append("orders", [{ value: "a" }, { value: "b" }]);
  await backend.append("large", [{ value: large }]);
  assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:a", "1:b"]);
  assert.deepEqual((await backend.read("large", 0)).value, large);
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => backend.append("many", [{ value: `${i}` }])),
  );
  assert.equal((await backend.bounds("many")).nextOffset, 100);
  const following = take(readRecords(backend, "orders", { from: 2, follow: true }), 1);
  await backend.append("orders", [{ value: "c" }]);
  assert.equal((await following)[0]!.text, "c");
  await rejectsWith("not-found", () => backend.describeTopic("nothing"));
  await backend.deleteTopic("many");
});

test("a name that the certificate is for is as good as an address", async () => {
  await using opened = await openTlsServer();
  const { certs: { ca }, port } = opened;
  await using backend = await connect(`https://localhost:${port}`, { tls: { ca } });
  assert.deepEqual(await backend.listTopics(), []);
});

test("a server is not trusted by its word: another authority, another name, a time that is over", async () => {
  await using opened = await openTlsServer();
  await using other = await certFolder();
  const { url, certs, material } = opened;
  const refusal = async (ca?: string) => {
    const tls = ca === undefined ? undefined : { ca };
    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice);
    const error = await rejectsWith("unauthenticated", () => connect(url, { tls, onNotice }));
    assert.deepEqual(notices, [], "it is not tried again");
    assert.ok(error.message.startsWith(`Cannot trust ${url}: `), error.message);
    assert.match(error.message, /--ca-file/);
  };
  await refusal(other.ca);
  await refusal();
  await certs.writeServer(await certs.issue({ kind: "server", hosts: ["log.example"] }));
  await material.reload();
  await refusal(certs.ca);
  await certs.writeServer(await certs.issue(LOCAL, EXPIRED));
  await material.reload();
  await refusal(certs.ca);
});

test("a client shows its certificate, and is told when it does not count", async () => {
  await using opened = await openTlsServer({ knowsClients: true });
  const { url, certs } = opened;
  const { ca } = certs;
  await using backend = await connect(url, { tls: { ca, ...await certs.client("ann") } });
  await backend.append("orders", [{ value: "a" }]);
  const expired = await certs.client("ann", EXPIRED);
  const error = await rejectsWith(
    "unauthenticated",
    () => connect(url, { ...ONCE, tls: { ca, ...expired } }),
  );
  assert.match(error.message, /certificate of the client/);
});

test("half of a pair, and certificates without TLS, are refused", async () => {
  await using certs = await certFolder();
  const { cert, key } = await certs.client("ann");
  const url = "https://127.0.0.1:1";
  await rejectsWith("invalid-argument", () => connect(url, { tls: { cert } }));
  await rejectsWith("invalid-argument", () => connect(url, { tls: { key } }));
  await rejectsWith(
    "invalid-argument",
    () => connect("http://127.0.0.1:1", { tls: { cert, key } }),
  );
});

test("a server that is not there, and one without TLS, are unavailable", async () => {
  await using certs = await certFolder();
  const { ca } = certs;
  const url = `https://127.0.0.1:${await freePort()}`;
  const gone = await rejectsWith("unavailable", () => connect(url, { ...ONCE, tls: { ca } }));
  assert.match(gone.message, /is the server running/);
  await using plain = await serving((_, response) => response.end("hello"));
  const secure = `https://127.0.0.1:${plain.port}`;
  for (const tls of [{ ca }, undefined]) {
    const error = await rejectsWith("unavailable", () => connect(secure, { ...ONCE, tls }));
    assert.match(error.message, /does it speak plain HTTP/);
  }
});

test("a token is shown with every request, and one that is none is refused", async () => {
  const seen: string[] = [];
  const fetch = (_url: string, init: RequestInit) => {
    seen.push(new Headers(init.headers).get("authorization") ?? "");
    return Promise.resolve(Response.json(ABOUT));
  };
  await using backend = await connect("http://a", { fetch, token: "seglog_abc" });
  await backend.listTopics().catch(() => {});
  assert.deepEqual(seen, ["Bearer seglog_abc", "Bearer seglog_abc"]);
  for (const token of ["", "a b", "a\nb", "ü"]) {
    await rejectsWith("invalid-argument", () => connect("http://a", { fetch, token }));
  }
});

test("an answer that is cut off over TLS is no answer", async () => {
  await using certs = await certFolder();
  await using cutting = await serving(({ url }, response) => {
    if (url === "/v1") return void response.end(JSON.stringify(ABOUT));
    response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
    response.write('{"topics":[');
    setTimeout(() => response.destroy());
  }, certs);
  const url = `https://localhost:${cutting.port}`;
  await using backend = await connect(url, { ...ONCE, tls: { ca: certs.ca } });
  await rejectsWith("unavailable", () => backend.listTopics());
});

test("what is given up over TLS ends its request", { timeout: 60_000 }, async () => {
  await using certs = await certFolder();
  const ended = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using waiting = await serving((request, response) => {
    if (request.url === "/v1") return void response.end(JSON.stringify(ABOUT));
    response.on("close", () => ended.resolve());
    asked.resolve();
  }, certs);
  const tls = { ca: certs.ca };
  await using backend = await connect(`https://localhost:${waiting.port}`, { ...ONCE, tls });
  const giving = new AbortController();
  const compacting = backend.compact("orders", { signal: giving.signal });
  await asked.promise;
  giving.abort(new Error("given up"));
  await assert.rejects(compacting, /given up/);
  await ended.promise; // and not only when the client is closed
});

const ABOUT = {
  name: "seglog",
  kind: "memory",
  canWrite: true,
  canTruncateAfter: true,
  batchFormat: 1,
};

/** Any server, with TLS where there are certificates. */
async function serving(
  answer: NonNullable<Parameters<typeof createServer>[1]>,
  certs?: CertFolder,
): Promise<AsyncDisposable & { readonly port: number }> {
  const http: Server = createServer(answer);
  const pair = certs === undefined ? undefined : await certs.issue(LOCAL);
  const listener = pair === undefined
    ? http
    : createSecureServer(pair, (socket) => void http.emit("connection", socket));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  return {
    port: (listener.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => {
      listener.close();
      return Promise.resolve();
    },
  };
}
