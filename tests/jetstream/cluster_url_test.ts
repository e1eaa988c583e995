/** Addresses of clusters: what they say, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseClusterUrl, shownUrl } from "../../jetstream/cluster_url.ts";
import { rejectsWith } from "../support/collect.ts";

test("a URL of one server has defaults for the rest", () => {
  assert.deepEqual(parseClusterUrl("nats://127.0.0.1"), {
    servers: ["127.0.0.1:4222"],
    isTls: false,
    prefix: "seglog",
    replicas: 1,
    storage: "file",
  });
});

test("a URL names servers, who asks, and how streams are kept", () => {
  const url = "tls://me:p%40ss@a:4222,b.example,[::1]:5/?prefix=mine&replicas=3&storage=memory";
  assert.deepEqual(parseClusterUrl(url), {
    servers: ["a:4222", "b.example:4222", "[::1]:5"],
    isTls: true,
    user: "me",
    password: "p@ss",
    prefix: "mine",
    replicas: 3,
    storage: "memory",
  });
  assert.equal(parseClusterUrl("nats://t0ken@a").token, "t0ken");
});

test("what a URL cannot say is refused, and what it logs in with is not shown", async () => {
  const bad = [
    "nats://",
    "nats://a:99999",
    "nats://a,,b",
    "nats://a/path",
    "nats://a/?prefix=a.b",
    "nats://a/?prefix=",
    "nats://a/?replicas=2",
    "nats://a/?replicas=",
    "nats://a/?storage=disk",
    "nats://a/?retries=5",
    "nats://a#b",
    "http://a",
    "nats://me:%E0%A4%A@a",
  ];
  for (const url of bad) {
    // deno-lint-ignore require-await -- what is thrown is what is asked for
    await rejectsWith("invalid-argument", async () => parseClusterUrl(url));
  }
  const error = await rejectsWith(
    "invalid-argument",
    // deno-lint-ignore require-await -- as above
    async () => parseClusterUrl("nats://me:secret@a/?x=1"),
  );
  assert.match(error.message, /"x" is no parameter; there are prefix, replicas, storage/);
  assert.doesNotMatch(error.message, /secret/);
  assert.equal(shownUrl("nats://me:secret@a/?x=1"), "nats://a/?x=1");
  for (const password of ["sec/ret", "sec?ret", "sec#ret", "sec@ret", "ret@"]) {
    // deno-lint-ignore require-await -- as above
    const { message } = await rejectsWith("invalid-argument", async () => {
      parseClusterUrl(`nats://me:${password}@a`);
    });
    assert.doesNotMatch(message, /ret/);
  }
});
