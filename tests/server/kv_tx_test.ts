import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hono } from "hono";
import { kv, put, setAll } from "./kv_support.ts";
import { jsonOf, jsonRequest, openApp, post, problemOf } from "./support.ts";

function tx(app: Hono, body: unknown, bucket = "b"): Promise<Response> {
  return kv(app, `${bucket}/tx`, jsonRequest("POST", body));
}

/** What a key has, without the time. */
async function valueOf(app: Hono, key: string): Promise<string | undefined> {
  const response = await kv(app, `b/${encodeURIComponent(key)}`);
  const text = await response.text();
  return response.ok ? text : undefined;
}

test("reads and writes go in together, and each has its result", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "1", gone: "x" });
  const body = `{"checks":[{"key":"a","revision":0},{"key":"none","revision":null}],
    "operations":[
      {"op":"get","key":"a"}, {"op":"get","key":"none"},
      {"op":"set","key":"a","value":{"n": 9007199254740993}},
      {"op":"set","key":"t","value":"text"},
      {"op":"set","key":"y","type":"bytes","value":"/w=="},
      {"op":"set","key":"j","type":"json","value":null},
      {"op":"delete","key":"gone"},
      {"op":"get","key":"t"}
    ]}`;
  const text = await (await tx(app, body)).text();
  const { revision, results } = JSON.parse(text);
  assert.equal(revision, 6);
  const [got, none, ...rest] = results;
  assert.deepEqual([got.key, got.revision, got.type, got.value], ["a", 0, "text", "1"]);
  assert.equal(none, null);
  const own = rest.pop();
  assert.deepEqual([own.key, own.revision, own.value], ["t", 3, "text"]);
  assert.deepEqual(rest, [
    { key: "a", revision: 2 },
    { key: "t", revision: 3 },
    { key: "y", revision: 4 },
    { key: "j", revision: 5 },
    { key: "gone", revision: 6 },
  ]);
  assert.equal(await valueOf(app, "a"), '{"n": 9007199254740993}');
  assert.equal(await valueOf(app, "j"), "null");
  assert.equal(await valueOf(app, "gone"), undefined);
  assert.equal((await store.bounds("b")).nextOffset, 7);
});

test("a deletion of what has no value writes nothing, and the revisions of others stay right", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "1" });
  const all = await (await tx(app, {
    operations: [
      { op: "set", key: "x", value: "1" },
      { op: "delete", key: "none" },
      { op: "set", key: "y", value: "2" },
    ],
  })).json();
  assert.deepEqual(all, {
    revision: 2,
    results: [{ key: "x", revision: 1 }, { key: "none", revision: null }, {
      key: "y",
      revision: 2,
    }],
  });
  const nothing = await (await tx(app, { operations: [{ op: "delete", key: "none" }] })).json();
  assert.deepEqual(nothing, { revision: 2, results: [{ key: "none", revision: null }] });
  const metrics = await (await app.request("/metrics")).text();
  assert.match(metrics, /^seglog_appended_records_total 3$/m); // x, y, and a
  assert.equal((await store.bounds("b")).nextOffset, 3);
});

test("what only looks sees all that was acknowledged before", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "1" });
  for (let i = 0; i < 20; i++) {
    await store.append("b", [{ key: "a", value: `${i}` }]);
    const { results } = await (await tx(app, { operations: [{ op: "get", key: "a" }] })).json();
    assert.equal(results[0].value, `${i}`);
    const checks = [{ key: "a", revision: i }];
    assert.equal((await tx(app, { checks, operations: [{ op: "get", key: "a" }] })).status, 412);
  }
});

test("a check that fails is 412 with the key, and nothing is written", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const operations = [{ op: "set", key: "k", value: "v" }];
  const cases: [check: unknown, expected: unknown, actual: unknown][] = [
    [{ key: "a", revision: 7 }, 7, 0],
    [{ key: "a", revision: null }, null, 0],
    [{ key: "none", revision: 0 }, 0, null],
  ];
  const absent = await problemOf(
    await tx(app, { checks: [{ key: "a", revision: 0 }], operations }),
    412,
    "condition-failed",
  );
  assert.deepEqual([absent.key, absent.expected, absent.actual], ["a", 0, null]);
  assert.deepEqual(await store.listTopics(), []);
  await setAll(app, "b", { a: "1" });
  for (const isolation of ["serializable", "snapshot"]) {
    for (const [check, expected, actual] of cases) {
      const body = { isolation, checks: [check], operations };
      const problem = await problemOf(await tx(app, body), 412, "condition-failed");
      assert.deepEqual([problem.expected, problem.actual], [expected, actual]);
      assert.equal(problem.key, (check as { key: string }).key);
    }
  }
  assert.equal((await store.bounds("b")).nextOffset, 1);
});

test("a check sees what was appended a moment ago by other means", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "1" });
  for (let i = 1; i < 50; i++) {
    const { start } = await store.append("b", [{ key: "a", value: String(i) }]);
    await jsonOf(await tx(app, { checks: [{ key: "a", revision: start }] }));
  }
});

test("checks alone, and reads alone, write nothing", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "1" });
  const checked = await jsonOf(await tx(app, { checks: [{ key: "a", revision: 0 }] }));
  assert.deepEqual(checked, { revision: 0, results: [] });
  const read = await jsonOf(await tx(app, { operations: [{ op: "get", key: "x" }] }));
  assert.deepEqual(read, { revision: 0, results: [null] });
  assert.equal((await store.bounds("b")).nextOffset, 1);
});

test("what was read in a snapshot and changed since is a conflict, and nothing is written", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { a: "1", b: "1" });
  const { id } = await jsonOf<{ id: string }>(
    await kv(app, "b/snapshots", { method: "POST" }),
    201,
  );
  await setAll(app, "b", { a: "2" });
  const set = (key: string) => ({ op: "set", key, value: "x" });
  const get = (key: string) => ({ op: "get", key });
  const run = (operations: unknown[], isolation = "serializable") =>
    tx(app, { snapshot: id, isolation, operations });
  for (const operations of [[set("a")], [get("a"), set("b")], [get("a")]]) {
    const problem = await problemOf(await run(operations), 409, "conflict");
    assert.deepEqual([problem.key, problem.retryable], ["a", true]);
  }
  await problemOf(await run([set("a")], "snapshot"), 409, "conflict");
  assert.equal((await store.bounds("b")).nextOffset, 3);
  // Write skew is what the weaker isolation allows.
  const { results } = await jsonOf<{ results: { value: string }[] }>(
    await run([get("a"), set("b")], "snapshot"),
  );
  assert.equal(results[0]!.value, "1", "as the snapshot has it");
  await problemOf(await run([set("b")]), 409, "conflict");
  await jsonOf(await run([set("c")]));
  await problemOf(await tx(app, { snapshot: "x", operations: [get("a")] }), 404, "not-found");
});

test("many that count one key up lose none", async () => {
  await using opened = await openApp();
  const { app } = opened;
  await setAll(app, "b", { n: "0" });
  const countUp = async () => {
    for (;;) {
      const read = await kv(app, "b/n");
      const revision = Number(read.headers.get("seglog-revision"));
      const response = await tx(app, {
        checks: [{ key: "n", revision }],
        operations: [{ op: "set", key: "n", value: String(Number(await read.text()) + 1) }],
      });
      await response.body?.cancel();
      if (response.ok) return;
      assert.ok([409, 412].includes(response.status), String(response.status));
    }
  };
  await Promise.all(Array.from({ length: 10 }, countUp));
  assert.equal(await valueOf(app, "n"), "10");
});

test("a body that is no transaction is refused, saying what of it, and nothing is written", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const set = { op: "set", key: "k", value: "v" };
  const cases: [body: unknown, member: string | undefined][] = [
    ["", undefined],
    ["{", undefined],
    ["[]", undefined],
    ["5", undefined],
    [{}, "operations"],
    [{ operations: [] }, "operations"],
    [{ operations: {} }, "operations"],
    [{ operations: [set], more: 1 }, "more"],
    [{ operations: [set, 5] }, "operations[1]"],
    [{ operations: [set, null] }, "operations[1]"],
    [{ operations: [{ ...set, op: "put" }] }, "operations[0].op"],
    [{ operations: [{ key: "k" }] }, "operations[0].op"],
    [{ operations: [{ op: "get" }] }, "operations[0].key"],
    [{ operations: [{ op: "get", key: 5 }] }, "operations[0].key"],
    [{ operations: [{ op: "get", key: "" }] }, "operations[0].key"],
    ['{"operations":[{"op":"get","key":"\\ud800"}]}', "operations[0].key"],
    [{ operations: [{ op: "get", key: "k", value: 1 }] }, "operations[0].value"],
    [{ operations: [{ op: "set", key: "k" }] }, "operations[0].value"],
    [{ operations: [{ op: "set", key: "k", value: null }] }, "operations[0].value"],
    [{ operations: [{ ...set, type: "xml" }] }, "operations[0].value"],
    [{ operations: [{ ...set, type: "bytes", value: "@" }] }, "operations[0].value"],
    [{ operations: [{ ...set, type: "text", value: 1 }] }, "operations[0].value"],
    [{ operations: [set, { op: "delete", key: "k" }] }, "operations[1].key"],
    [{ operations: [set], isolation: "none" }, "isolation"],
    [{ operations: [set], isolation: 1 }, "isolation"],
    [{ operations: [set], snapshot: 1 }, "snapshot"],
    [{ operations: [set], checks: "k" }, "checks"],
    [{ operations: [set], checks: [{ key: "k" }] }, "checks[0].revision"],
    [{ operations: [set], checks: [{ key: "k", revision: -1 }] }, "checks[0].revision"],
    [{ operations: [set], checks: [{ key: "k", revision: "1" }] }, "checks[0].revision"],
    [{ operations: [set], checks: [{ revision: 1 }] }, "checks[0].key"],
    [{ operations: [set], checks: [{ key: "k", revision: 1, op: "get" }] }, "checks[0].op"],
  ];
  for (const [body, member] of cases) {
    const problem = await problemOf(await tx(app, body), 400, "invalid-argument");
    assert.equal(problem.member, member, JSON.stringify(body));
  }
  await problemOf(
    await kv(app, "b/tx", post("text/plain", JSON.stringify({ operations: [set] }))),
    415,
    "unsupported-media-type",
  );
  assert.deepEqual(await store.listTopics(), []);
});

test("a transaction is bounded, in operations, in keys and in bytes", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const many = Array.from({ length: 1001 }, (_, i) => ({ op: "set", key: `k${i}`, value: i }));
  const tooMany = await problemOf(await tx(app, { operations: many }), 413, "too-large");
  assert.deepEqual([tooMany.member, tooMany.limit], ["operations", 1000]);
  const checks = many.map(({ key }) => ({ key, revision: null }));
  await problemOf(await tx(app, { checks }), 413, "too-large");
  const long = [{ op: "get", key: "x".repeat(1025) }];
  const tooLong = await problemOf(await tx(app, { operations: long }), 413, "too-large");
  assert.equal(tooLong.member, "operations[0].key");
  const large = [{ op: "set", key: "k", value: "x".repeat(25 * 1024 * 1024) }];
  await problemOf(await tx(app, { operations: large }), 413, "too-large");
  assert.deepEqual(await store.listTopics(), []);
  const { revision } = await jsonOf(await tx(app, { operations: many.slice(0, 1000) }));
  assert.equal(revision, 999);
});

test("what a transaction reads is bounded, too, and it writes nothing then", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const value = new Uint8Array(9 * 1024 * 1024);
  for (const key of ["a", "b", "c"]) {
    await kv(app, `b/${key}`, put(value, {}, "application/octet-stream"));
  }
  const get = (key: string) => ({ op: "get", key });
  const operations = [{ op: "set", key: "d", value: 1 }, get("a"), get("b"), get("c")];
  await problemOf(await tx(app, { operations }), 413, "too-large");
  assert.equal((await store.bounds("b")).nextOffset, 3);
});

test("a transaction that only deletes or reads makes no bucket", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  for (const op of ["get", "delete"]) {
    await problemOf(await tx(app, { operations: [{ op, key: "k" }] }), 404, "not-found");
  }
  assert.deepEqual(await store.listTopics(), []);
  await jsonOf(await tx(app, { operations: [{ op: "set", key: "k", value: 1 }] }));
});

test("a key may be called tx", async () => {
  await using opened = await openApp();
  const { app } = opened;
  assert.equal((await kv(app, "b/tx", put("v"))).status, 201);
  assert.equal(await valueOf(app, "tx"), "v");
  await jsonOf(await tx(app, { operations: [{ op: "delete", key: "tx" }] }));
  assert.equal(await valueOf(app, "tx"), undefined);
});
