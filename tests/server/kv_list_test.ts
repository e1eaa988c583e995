import assert from "node:assert/strict";
import { test } from "node:test";
import { Kv, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { type KeyPage, keysIn, kv, setAll } from "./kv_support.ts";
import { jsonOf, openApp, overriding, problemOf } from "./support.ts";

const LINES = { headers: { accept: "application/x-ndjson" } };

test("a list is keys with their values, in the order of their bytes, as of one revision", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await using bucket = await Kv.open(store, "b");
  await bucket.set("z", "text");
  await bucket.set("a", { value: '{"n":9007199254740993}', type: "json" });
  await bucket.set("m", Uint8Array.of(255));
  await bucket.set("ü", '"\n');
  const text = await (await kv(app, "b")).text();
  assert.ok(text.includes('"type":"json","value":{"n":9007199254740993}}'), text);
  const page: KeyPage = JSON.parse(text);
  assert.deepEqual([page.bucket, page.revision, page.next], ["b", 3, null]);
  const shown = page.entries.map(({ timestamp, ...rest }) => {
    assert.ok(Math.abs(Date.parse(timestamp!) - Date.now()) < 60_000);
    return rest;
  });
  assert.deepEqual(shown.slice(1), [
    { key: "m", revision: 2, type: "bytes", value: "/w==" },
    { key: "z", revision: 0, type: "text", value: "text" },
    { key: "ü", revision: 3, type: "text", value: '"\n' },
  ]);
});

test("prefix, start, end, after, limit and reverse choose keys", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const keys = ["a", "b", "b/1", "b/2", "b/3", "c"];
  await setAll(app, "b", Object.fromEntries(keys.map((key) => [key, key])));
  const cases: [query: string, keys: string][] = [
    ["", "a b b/1 b/2 b/3 c"],
    ["prefix=b", "b b/1 b/2 b/3"],
    ["prefix=b/", "b/1 b/2 b/3"],
    ["prefix=b%2F&reverse=true", "b/3 b/2 b/1"],
    ["start=b/2", "b/2 b/3 c"],
    ["end=b/2", "a b b/1"],
    ["start=b&end=c", "b b/1 b/2 b/3"],
    ["after=b", "b/1 b/2 b/3 c"],
    ["after=b/15", "b/2 b/3 c"],
    ["after=b&start=b/2", "b/2 b/3 c"],
    ["after=b/2&start=b", "b/3 c"],
    ["after=b/2&reverse=true", "b/1 b a"],
    ["after=b/2&reverse=true&end=b/1", "b a"],
    ["after=b/2&reverse=true&end=c&start=b", "b/1 b"],
    ["after=c", ""],
    ["limit=2", "a b"],
    ["limit=2&reverse=true", "c b/3"],
    ["prefix=x", ""],
  ];
  for (const [query, wanted] of cases) {
    for (const form of ["", "&keys=true"]) {
      assert.equal((await keysIn(app, `b?${query}${form}`)).join(" "), wanted, query);
    }
    const lines = (await (await kv(app, `b?${query}`, LINES)).text()).split("\n").slice(0, -1);
    assert.equal(lines.map((line) => JSON.parse(line).key).join(" "), wanted, query);
  }
});

test("pages follow one another through `next`, up and down, and give each key once", async () => {
  await using opened = await openApp();
  const { app } = opened;
  const keys = Array.from({ length: 23 }, (_, i) => `k/${String(i).padStart(2, "0")}`);
  await setAll(app, "b", Object.fromEntries(keys.map((key) => [key, key])));
  for (const [reverse, wanted] of [[false, keys], [true, keys.toReversed()]] as const) {
    for (const form of ["", "&keys=true"]) {
      const found: string[] = [];
      let after = "";
      for (let pages = 1;; pages++) {
        const page = await jsonOf<KeyPage>(
          await kv(app, `b?limit=5&reverse=${reverse}${after}${form}`),
        );
        found.push(...page.entries.map(({ key }) => key));
        if (page.next === null) {
          assert.equal(pages, 5);
          break;
        }
        after = `&after=${encodeURIComponent(page.next)}`;
      }
      assert.deepEqual(found, wanted);
    }
  }
});

test("keys alone need no value to be read", async () => {
  await using store = await Store.memory();
  await using bucket = await Kv.open(store, "b");
  for (let i = 0; i < 600; i++) void bucket.set(`k${String(i).padStart(3, "0")}`, "v");
  await bucket.set("z", "v");
  const app = createApp(overriding(store, {
    read: () => Promise.reject(new Error("a value was read")),
  }));
  const page = await jsonOf<KeyPage>(await kv(app, "b?keys=true&limit=1000"));
  assert.equal(page.entries.length, 601);
  assert.deepEqual(page.entries[0], { key: "k000", revision: 0 });
  const lines = await (await kv(app, "b?keys=true", LINES)).text();
  assert.equal(lines.split("\n").length, 602);
});

test("a page has no more than a limit of keys, and of bytes, but one key at least", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await using bucket = await Kv.open(store, "b");
  const value = "x".repeat(5 * 1024 * 1024);
  for (const key of ["a", "b", "c"]) await bucket.set(key, value);
  const page = await jsonOf<KeyPage>(await kv(app, "b"));
  assert.deepEqual([page.entries.map(({ key }) => key), page.next], [["a"], "a"]);
  for (let i = 0; i < 150; i++) void bucket.set(`k${i}`, "v");
  await bucket.catchUp();
  await bucket.set("l", "v");
  assert.equal((await keysIn(app, "b?prefix=k")).length, 100);
});

test("lines are all keys, streamed", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await using bucket = await Kv.open(store, "b");
  const writes = Array.from({ length: 2000 }, (_, i) => bucket.set(`k${i}`, "x".repeat(100)));
  await Promise.all(writes);
  const response = await kv(app, "b", LINES);
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  assert.equal(response.headers.get("seglog-revision"), "1999");
  const lines = (await response.text()).split("\n");
  assert.equal(lines.length, 2001);
  assert.equal(JSON.parse(lines[0]!).key, "k0");
});

test("what a list cannot be asked for is refused", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await setAll(app, "b", { k: "v" });
  const queries = [
    "limit=0",
    "limit=1001",
    "limit=x",
    "reverse=yes",
    "keys=1",
    "from=0",
    "prefix=%FF",
    "after=a&after=b",
  ];
  for (const query of queries) {
    await problemOf(await kv(app, `b?${query}`), 400, "invalid-argument");
  }
  await problemOf(await kv(app, "b?limit=0", LINES), 400, "invalid-argument");
  await problemOf(await kv(app, "b", { headers: { accept: "image/png" } }), 406, "not-acceptable");
  await problemOf(await kv(app, "none"), 404, "not-found");
  await problemOf(await kv(app, "none", LINES), 404, "not-found");
  assert.equal((await store.listTopics()).length, 1);
});

test("an empty bucket is an empty list", async () => {
  await using opened = await openApp();
  await opened.store.ensureTopic("b");
  const page = await jsonOf<KeyPage>(await kv(opened.app, "b"));
  assert.deepEqual(page, { bucket: "b", revision: -1, entries: [], next: null });
  assert.equal(await (await kv(opened.app, "b", LINES)).text(), "");
});
