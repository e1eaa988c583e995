/** JSON that is meant to break what reads it: at every route that takes a body. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES } from "../../../server/routes/all.ts";
import { jsonRequest } from "../support.ts";
import { type AbusedServer, abusedServer } from "./abused_server.ts";

/** Every route that may have a body, its parameters filled in. */
const TARGETS = ROUTES.filter(({ method }) => method !== "GET" && method !== "DELETE")
  .map(({ method, path }) => ({
    method,
    path: path.replace(/:\w+\+?/g, "abused"),
  }));

const TARGETS_AT_ONCE = 4;

const nested = (depth: number, [open, close]: string) => open!.repeat(depth) + close!.repeat(depth);
const LONE = '"\\ud800"';

const BODIES: readonly [string, string][] = [
  ["100,000 arrays", nested(100_000, "[]")],
  ["100,000 objects", '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)],
  ["a member of 100,000 arrays", `{"value":${nested(100_000, "[]")}}`],
  ["arrays without an end", "[".repeat(200_000)],
  ["__proto__", '{"__proto__":{"polluted":true,"admin":true,"limit":1}}'],
  ["__proto__ in an array", '[{"__proto__":{"polluted":true}},{"__proto__":null}]'],
  ["constructor", '{"constructor":{"prototype":{"polluted":true}}}'],
  ["names of what all objects have", '{"toString":1,"hasOwnProperty":1,"valueOf":null,"then":{}}'],
  [
    "__proto__ deeper down",
    '{"config":{"__proto__":{"polluted":true}},"headers":{"__proto__":"x"}}',
  ],
  ["numbers beyond counting", '{"partitions":1e400,"before":1e309,"ttlMs":-1e400,"offset":1e999}'],
  [
    "a number of 100,000 digits",
    `{"value":${"9".repeat(100_000)},"partitions":${"9".repeat(400)}}`,
  ],
  ["numbers that are none", '{"partitions":NaN,"before":Infinity,"value":-0}'],
  ["half of a pair", `{"key":${LONE},"value":${LONE},"name":${LONE},"sql":${LONE}}`],
  ["a member twice", '{"value":1,"value":2,"name":"a","name":"b"}'],
  ["100,000 members", `{${Array.from({ length: 100_000 }, (_, i) => `"m${i}":0`).join(",")}}`],
  ["a byte order mark", '\ufeff{"value":1}'],
  ["NUL", '{"value":"\\u0000","name":"a\\u0000b"}\0'],
  ["null", "null"],
  ["text", '"text"'],
  ["nothing but blanks", " ".repeat(100_000)],
];

async function statusOf(server: AbusedServer, { method, path }: typeof TARGETS[0], body: string) {
  const response = await fetch(server.url + path, jsonRequest(method, body));
  const text = await response.text();
  assert.ok(!text.includes("polluted") || response.status >= 400 || path.includes("records"), text);
  assert.ok(!/"(code|error)":"internal"|\n\s+at /.test(text), `${path}: ${text.slice(0, 300)}`);
  return response.status;
}

test("no JSON is more than a wrong request, whatever it is and wherever it goes", async () => {
  await using server = await abusedServer();
  assert.ok(TARGETS.length > 20);
  const base = server.forgetPeak();
  for (const [what, body] of BODIES) {
    // Some at a time: what many bodies at once may take is asked elsewhere.
    for (let at = 0; at < TARGETS.length; at += TARGETS_AT_ONCE) {
      const some = TARGETS.slice(at, at + TARGETS_AT_ONCE);
      const statuses = await Promise.all(some.map((target) => statusOf(server, target, body)));
      statuses.forEach((status, i) => {
        const { method, path } = some[i]!;
        assert.ok(status < 500 || status === 501, `${what} to ${method} ${path}: ${status}`);
      });
    }
  }
  assert.doesNotMatch(server.cli.text(), /: internal:|"event":"fault"/);
  // What was appended in passing is read back, and nothing has got into what all objects share.
  const health = await (await fetch(`${server.url}/health`)).json();
  assert.equal(health.polluted, undefined);
  const topics = await fetch(`${server.url}/v1/topics`);
  assert.doesNotMatch(await topics.text(), /polluted/);
  await server.expectBounded(base);
});

test("names that all objects have are names of topics, keys and headers like any other", async () => {
  await using server = await abusedServer();
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    // Names that begin with two underscores are kept for topics of the server's own.
    const topic = name.startsWith("__") ? `of.${name}` : name;
    const records = `${server.url}/v1/topics/${topic}/records`;
    const body = `{"key":"${name}","value":{"${name}":1},"headers":{"${name}":"x"}}`;
    const appended = await fetch(records, jsonRequest("POST", body));
    assert.equal(appended.status, 200, await appended.text());
    const [record] = (await (await fetch(records)).json()).records;
    assert.deepEqual([record.key, Object.entries(record.value)], [name, [[name, 1]]]);
    assert.deepEqual(Object.entries(record.headers), [[name, "x"]]);
    const key = `${server.url}/v1/kv/bucket/${name}`;
    assert.equal((await fetch(key)).status, 404);
    assert.ok((await fetch(key, { method: "PUT", body: name })).ok);
    assert.equal(await (await fetch(key)).text(), name);
  }
  await server.expectUnharmed();
});
