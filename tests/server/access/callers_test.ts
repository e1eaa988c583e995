/** Names the server goes by, and pages that may use it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CallerFacts, callerRules, checkCaller } from "../../../server/access/callers.ts";
import { rejectsWith } from "../../support/collect.ts";
import { rawConnect } from "../raw_client.ts";
import { openApp, openServer, post, problemOf } from "../support.ts";

type Rules = Parameters<typeof callerRules>[0];

const PLAIN: CallerFacts = {
  method: "POST",
  host: "localhost:8080",
  origin: undefined,
  site: undefined,
  destination: undefined,
};

function isTaken(facts: Partial<CallerFacts>, rules: Rules = {}): boolean {
  try {
    checkCaller(callerRules(rules), { ...PLAIN, ...facts });
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, "forbidden");
    return false;
  }
}

test("the server answers for localhost and for addresses, which no page can make its own", () => {
  const own = [
    undefined,
    "localhost",
    "LocalHost:8080",
    "localhost.",
    "app.localhost:1",
    "127.0.0.1:8080",
    "10.1.2.3",
    "[::1]:8080",
    "[::1]",
    "[::ffff:127.0.0.1]:80",
  ];
  for (const host of own) assert.ok(isTaken({ host }), `${host}`);
  const foreign = [
    "",
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "evillocalhost",
    "127.0.0.1.evil.example",
    "localhost:8080@evil.example",
    "evil.example#localhost",
    "evil.example/localhost",
    "localhost,evil.example",
    "localhost localhost",
    "[::1].evil.example",
    "[::1",
    "xn--lcalhost-r0a",
  ];
  for (const host of foreign) assert.ok(!isTaken({ host }), host);
});

test("names that are allowed are taken with any port, others below them only with a star", () => {
  const rules = { hosts: ["Log.Example", "*.svc.example", "seglog"] };
  for (const host of ["log.example:9000", "LOG.EXAMPLE.", "a.b.svc.example", "seglog:8080"]) {
    assert.ok(isTaken({ host }, rules), host);
  }
  for (const host of ["a.log.example", "svc.example", "xsvc.example", ".svc.example", "seglog2"]) {
    assert.ok(!isTaken({ host }, rules), host);
  }
  assert.ok(isTaken({ host: "anything.example" }, { hosts: ["*"] }));
});

test("pages of the server's own origin are taken, also behind a proxy that speaks TLS", () => {
  const hosts = ["log.example"];
  assert.ok(isTaken({ origin: "http://localhost:8080" }));
  assert.ok(isTaken({ origin: "http://[::1]:8080", host: "[::1]:8080" }));
  assert.ok(isTaken({ origin: "https://log.example", host: "log.example" }, { hosts }));
  assert.ok(isTaken({ origin: "https://log.example", host: "log.example:443" }, { hosts }));
});

test("pages of any other origin are refused, whatever they ask", () => {
  const origins = [
    "null",
    "",
    "http://localhost:3000",
    "http://localhost",
    "http://127.0.0.1:8080",
    "http://evil.example",
    "http://localhost:8080.evil.example",
    "file://localhost:8080",
    "chrome-extension://localhost:8080",
    "http://localhost:8080, http://evil.example",
  ];
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
    for (const origin of origins) assert.ok(!isTaken({ method, origin }), `${method} ${origin}`);
  }
});

test("origins that are allowed are taken, and no others", () => {
  const rules = { origins: ["https://app.example", "http://localhost:3000"] };
  assert.ok(isTaken({ origin: "https://app.example", site: "cross-site" }, rules));
  assert.ok(isTaken({ origin: "http://localhost:3000" }, rules));
  for (const origin of ["http://app.example", "https://app.example:444", "null"]) {
    assert.ok(!isTaken({ origin }, rules), origin);
  }
  assert.ok(isTaken({ origin: "null" }, { origins: ["*"] }));
});

test("without an origin it is Sec-Fetch-Site that tells; a link may be followed", () => {
  for (const site of ["same-origin", "none"]) assert.ok(isTaken({ site }));
  for (const site of ["cross-site", "same-site", "?"]) {
    assert.ok(!isTaken({ site }));
    assert.ok(!isTaken({ site, method: "GET" }));
    assert.ok(!isTaken({ site, method: "GET", destination: "image" }));
    assert.ok(!isTaken({ site, method: "GET", destination: "iframe" }));
    assert.ok(!isTaken({ site, method: "POST", destination: "document" }));
    assert.ok(isTaken({ site, method: "GET", destination: "document" }));
  }
});

test("what is no name, or no origin, cannot be allowed", async () => {
  for (const host of ["", "a:80", "http://a", "a/b", "*a", "a.*", "-a", "a b"]) {
    await rejectsWith("invalid-argument", async () => void await callerRules({ hosts: [host] }));
  }
  const origins = ["", "app.example", "https://app.example/", "https://a/b", "ftp://a", "null"];
  for (const origin of origins) {
    await rejectsWith(
      "invalid-argument",
      async () => void await callerRules({ origins: [origin] }),
    );
  }
});

test("a page whose name is made to point at the server gets nothing from it", async () => {
  await using opened = await openServer();
  for (const path of ["/v1/topics", "/livez", "/publish", "/nothing", "/blobs"]) {
    const connection = await rawConnect(opened.port);
    connection.write(`GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`);
    assert.match(await connection.ended, /^HTTP\/1\.1 403 /, path);
  }
});

test("a page of another site changes nothing, and gets no permission", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const headers = { origin: "http://evil.example" };
  const json = "application/json";
  const asked: [string, RequestInit][] = [
    ["/v1/topics/orders/records", post(json, '{"value":1}', headers)],
    ["/publish", post("text/plain", '{"data":1}', headers)],
    ["/blobs/k", post("text/plain", "x", headers)],
    ["/v1/topics/orders", { method: "PUT", headers }],
    ["/v1/topics", { headers }],
  ];
  for (const [path, init] of asked) {
    const response = await app.request(path, init);
    assert.equal(response.status, 403, path);
    assert.equal(response.headers.get("access-control-allow-origin"), null);
    await response.body?.cancel();
  }
  const preflight = await app.request("/v1/topics", {
    method: "OPTIONS",
    headers: { ...headers, "access-control-request-method": "PUT" },
  });
  await problemOf(preflight, 403, "forbidden");
  assert.equal(preflight.headers.get("access-control-allow-origin"), null);
  assert.equal((await app.request("/livez")).headers.get("vary"), null);
  assert.deepEqual(await store.listTopics(), []);
});

test("an origin that is allowed gets the permissions that a browser wants, refusals included", async () => {
  const origin = "https://app.example";
  await using opened = await openApp({ callers: callerRules({ origins: [origin] }) });
  const { app } = opened;
  for (const path of ["/v1/topics/orders/records", "/seglog.v1.LogService/Produce", "/nothing"]) {
    const preflight = await app.request(path, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get("access-control-allow-origin"), origin);
    assert.match(preflight.headers.get("access-control-allow-methods")!, /POST.*DELETE/);
    assert.equal(
      preflight.headers.get("access-control-allow-headers"),
      "authorization,content-type",
    );
    assert.equal(preflight.headers.get("access-control-allow-credentials"), null);
  }
  for (const path of ["/v1/topics", "/v1/topics/none", "/nothing"]) {
    const response = await app.request(path, { headers: { origin } });
    assert.equal(response.headers.get("access-control-allow-origin"), origin, path);
    assert.equal(response.headers.get("access-control-expose-headers"), "*");
    assert.equal(response.headers.get("vary"), "Origin");
    await response.body?.cancel();
  }
  const other = await app.request("/v1/topics", { headers: { origin: "https://b.example" } });
  assert.equal(other.headers.get("access-control-allow-origin"), null);
  assert.equal(other.headers.get("vary"), "Origin");
  await problemOf(other, 403, "forbidden");
  const plain = await app.request("/v1/topics", { method: "OPTIONS" });
  await problemOf(plain, 405, "method-not-allowed");
});
