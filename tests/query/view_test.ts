/** A view has what its topic has, whatever happened to either of them. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { removeViewFile } from "../../core/query/view_file.ts";
import { type Backend, type RecordInput, Store } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tempDir } from "../support/temp_dir.ts";
import { jsonRecords, openView } from "./query_support.ts";
import { rejects } from "./throws_with.ts";

const ALL = `select partition, offset, timestamp, time, key, type, value, json, headers from "t"
  order by partition, offset`;

/** The rows that there have to be, from the records themselves. */
async function expected(backend: Backend, topic: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  const { partitions } = await backend.describeTopic(topic);
  for (const { partition } of partitions) {
    for await (const batch of backend.batches(topic, { partition })) {
      for (const record of batch.records()) {
        const isJson = record.type === "json" && record.value !== null;
        const value = record.value === null
          ? null
          : record.type === "bytes" || record.text.includes("\0")
          ? { base64: btoa(String.fromCharCode(...record.value)) }
          : record.text;
        const headers = Object.keys(record.headers).length === 0
          ? null
          : JSON.stringify(record.headers);
        rows.push([
          ...[partition, record.offset, record.timestamp],
          new Date(record.timestamp).toISOString(),
          ...[record.keyText, record.type, value, isJson ? value : null, headers],
        ]);
      }
    }
  }
  return rows;
}

describe("a view", () => {
  test("has every record as a row: keys, times, types, values and headers as they are", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.ensureTopic("t", { partitions: 3 });
    const time = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
    const value = fc.oneof(
      fc.json().map((value) => ({ value, type: "json" as const })),
      fc.string({ unit: "grapheme" }).map((value) => ({ value, type: "text" as const })),
      fc.uint8Array({ maxLength: 30 }).map((value) => ({ value, type: "bytes" as const })),
      fc.constant({ value: null }),
    );
    const record = fc.tuple(
      value,
      fc.option(fc.string()),
      time,
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string(), { maxKeys: 2 }),
    ).map(([value, key, timestamp, headers]): RecordInput => ({
      ...value,
      ...key === null || key.includes("\0") ? {} : { key },
      timestamp,
      headers,
    }));
    await using view = await openView(store, "t", { folder: dir.path });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 40 }), async (records) => {
        for (const one of records) await store.append("t", [one]);
        assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
      }),
      { numRuns: 25 },
    );
    const { offsets } = await view.ask("select 1");
    const { partitions } = await store.describeTopic("t");
    assert.deepEqual(
      offsets,
      { t: Object.fromEntries(partitions.map((p) => [p.partition, p.nextOffset])) },
    );
  });

  test("answers what a walk over the records answers: filters, groups, sums", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await using view = await openView(store, "t", { folder: dir.path, indexes: ["$.who.id"] });
    const item = fc.record({
      who: fc.record({ id: fc.constantFrom("a", "b", "c") }),
      qty: fc.integer({ min: -5, max: 5 }),
    });
    const all: { key: string; who: { id: string }; qty: number }[] = [];
    const filter = fc.record({
      id: fc.constantFrom("a", "b", "c", "d"),
      least: fc.integer({ min: -6, max: 6 }),
      from: fc.nat(200),
      until: fc.nat(200),
    });
    const more = fc.array(item, { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(more, filter, async (items, { id, least, from, until }) => {
        for (const one of items) {
          const key = `k${all.length % 3}`;
          all.push({ ...one, key });
          await store.append("t", [{ key, value: JSON.stringify(one), type: "json" }]);
        }
        const wanted = all.map((one, offset) => ({ ...one, offset }))
          .filter(({ who, qty, offset }) =>
            who.id === id && qty >= least && offset >= from && offset < until
          );
        const where = `from t where value ->> '$.who.id' = :id and value ->> '$.qty' >= :least
          and offset >= :from and offset < :until`;
        const given = { id, least: BigInt(least), from: BigInt(from), until: BigInt(until) };
        const found = await view.ask(`select offset ${where} order by offset`, given);
        assert.deepEqual(found.rows, wanted.map(({ offset }) => [offset]));
        const groups = new Map<string, [number, number]>();
        for (const { key, qty } of wanted) {
          const [count, sum] = groups.get(key) ?? [0, 0];
          groups.set(key, [count + 1, sum + qty]);
        }
        const grouped = view.askNow(
          `select key, count(*), sum(value ->> '$.qty') ${where} group by key order by key`,
          given,
        );
        assert.deepEqual(
          grouped.rows,
          [...groups].map(([key, sums]) => [key, ...sums]).toSorted(([a], [b]) => a! < b! ? -1 : 1),
        );
      }),
      { numRuns: 30 },
    );
  });

  test("keeps integers of 64 bits exact, in values and out of them", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", [{ value: '{"id": 9223372036854775807}', type: "json" }]);
    await using view = await openView(store, "t", { folder: dir.path });
    const { texts } = await view.ask("select value, value ->> '$.id', value ->> '$.id' - 1 from t");
    assert.deepEqual(texts, [
      '["{\\"id\\": 9223372036854775807}",9223372036854775807,9223372036854775806]',
    ]);
  });

  test("goes on where it was when it is opened again, and reads nothing twice", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(1200));
    {
      await using view = await openView(store, "t", { folder: dir.path });
      assert.deepEqual((await view.ask("select count(*) from t")).rows, [[1200]]);
    }
    await store.append("t", jsonRecords(3, 1200));
    const read: number[] = [];
    await using view = await openView(watched(store, read), "t", { folder: dir.path });
    assert.deepEqual((await view.ask("select count(*), max(offset) from t")).rows, [[1203, 1202]]);
    assert.deepEqual(read, [1200]);
  });

  test("loses what is truncated, from either end", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await using view = await openView(store, "t", { folder: dir.path });
    await store.append("t", jsonRecords(100));
    await view.ask(ALL);
    await store.truncate("t", { before: 30 });
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
    await store.truncate("t", { after: 59 });
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
    await store.append("t", jsonRecords(10, 1000));
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
    await store.truncate("t", { before: (await store.bounds("t")).nextOffset });
    assert.deepEqual((await view.ask(ALL)).rows, []);
    await store.append("t", jsonRecords(1));
    assert.deepEqual((await view.ask("select count(*) from t")).rows, [[1]]);
  });

  test("loses what compaction takes, tombstones last", async () => {
    await using dir = tempDir();
    const clock = new FakeClock();
    await using store = await Store.memory({ clock, defaults: { tombstoneMs: 1000 } });
    await store.ensureTopic("t", { segmentBytes: 4096 });
    await using view = await openView(store, "t", { folder: dir.path });
    const fill = async (from: number) => {
      for (let i = 0; i < 60; i++) {
        await store.append("t", [{ key: `k${i % 7}`, value: "x".repeat(200 + from) }]);
      }
    };
    await fill(0);
    await store.append("t", [{ key: "k0", value: null }]);
    await fill(1);
    await view.ask(ALL);
    await store.compact("t");
    const once = (await view.ask(ALL)).rows;
    assert.deepEqual(once, await expected(store, "t"));
    assert.ok(once.length < 80);
    await fill(2);
    clock.advance(10_000);
    await store.compact("t");
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
    await store.compact("t");
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
  });

  test("is another one when the topic was made anew", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await using view = await openView(store, "t", { folder: dir.path });
    await store.append("t", jsonRecords(10));
    await view.ask(ALL);
    await store.deleteTopic("t");
    await rejects("not-found", /no such topic/, view.view.catchUp());
    await store.append("t", jsonRecords(2, 500));
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
  });

  test("takes names of topics that SQL has to quote", async () => {
    await using store = await Store.memory();
    for (const topic of ["orders/eu", 'a"b', "select", "ÄÖ", "it's", "a.b", "_view"]) {
      await using dir = tempDir();
      await store.append(topic, [{ value: "hello" }]);
      await using view = await openView(store, topic, { folder: dir.path });
      const sql = `select value from "${topic.replaceAll('"', '""')}"`;
      assert.deepEqual((await view.ask(sql)).rows, [["hello"]], topic);
    }
  });
});

describe("the file of a view", () => {
  test("that is damaged, another's or no database is made anew", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(2000));
    const path = join(dir.path, "view.sqlite");
    const notices: string[] = [];
    const check = async (what: string) => {
      const notice = (text: string) => void notices.push(text);
      await using view = await openView(store, "t", { folder: dir.path, notice });
      const { rows } = await view.ask(
        "select count(*), sum(value ->> '$.id'), count(distinct key), max(timestamp) > 0 from t",
      );
      assert.deepEqual(rows, [[2000, 1999000, 10, 1]], what);
    };
    await check("new");
    const whole = fs.readFileSync(path);
    fs.writeFileSync(
      path,
      "this is no database at all, but it is as long as a header is. ".repeat(9),
    );
    await check("no database");
    assert.match(notices[0]!, /is damaged, and is made anew/);
    fs.writeFileSync(path, whole.subarray(0, 20_000));
    await check("cut");
    fs.writeFileSync(path, whole.fill(0, 8192, 16_384));
    await check("zeros");
    removeViewFile(path);
    fs.writeFileSync(path, "");
    await check("empty");
    await store.append("other", jsonRecords(1));
    {
      await using other = await openView(store, "other", { folder: dir.path });
      await other.ask("select 1");
    }
    await check("of another topic");
  });

  test("that is removed under a view is made anew", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(10));
    await using view = await openView(store, "t", { folder: dir.path });
    await view.ask(ALL);
    removeViewFile(view.path);
    assert.deepEqual((await view.ask(ALL)).rows, await expected(store, "t"));
  });

  test("can have two writers: what one took in, the other does not", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.ensureTopic("t", { partitions: 2 });
    await using one = await openView(store, "t", { folder: dir.path });
    await using two = await openView(store, "t", { folder: dir.path });
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 700; i++) await store.append("t", jsonRecords(1, i));
      await Promise.all([one.view.catchUp(), two.view.catchUp()]);
      assert.deepEqual((await one.ask(ALL)).rows, await expected(store, "t"));
      assert.deepEqual((await two.ask(ALL)).rows, await expected(store, "t"));
    }
  });

  test("that cannot be written where it should be is somewhere else", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(1));
    const places = [() => join(dir.path, "none", "v"), () => join(dir.path, "there")];
    await using view = await openView(store, "t", { folder: dir.path, places });
    assert.deepEqual((await view.ask("select count(*) from t")).rows, [[1]]);
    assert.equal(view.view.path, join(dir.path, "there"));
  });

  test("comes to stand for a log that lost its end, and went on otherwise", async () => {
    await using dir = tempDir();
    await using before = await Store.memory();
    await using after = await Store.memory();
    await before.append("t", jsonRecords(20));
    await after.append("t", [...jsonRecords(10), ...jsonRecords(15, 700)]);
    const { id } = await before.describeTopic("t");
    const same = new Proxy<Backend>(after, {
      get(target, name) {
        if (name === "describeTopic") {
          return async (topic: string) => ({ ...await target.describeTopic(topic), id });
        }
        const member = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    {
      await using view = await openView(before, "t", { folder: dir.path });
      await view.ask(ALL);
    }
    await using view = await openView(same, "t", { folder: dir.path });
    assert.deepEqual((await view.ask(ALL)).rows, await expected(after, "t"));
  });
});

describe("an index", () => {
  test("is used by queries that have its expression, and goes when it is not wanted", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(100));
    await using view = await openView(store, "t", { folder: dir.path });
    const sql = "select count(*) from t where value ->> '$.user.id' = 'u7'";
    const plan = () => String(view.askNow(`explain query plan ${sql}`).rows[0]![3]);
    assert.deepEqual((await view.ask(sql)).rows, [[2]]);
    assert.match(plan(), /^SCAN/);
    view.view.indexes = ["$.user.id", "time"];
    assert.deepEqual((await view.ask(sql)).rows, [[2]]);
    assert.match(plan(), /^SEARCH/);
    await store.append("t", jsonRecords(1, 7));
    assert.deepEqual((await view.ask(sql)).rows, [[3]]);
    view.view.indexes = [];
    assert.deepEqual((await view.ask(sql)).rows, [[3]]);
    assert.match(plan(), /^SCAN/);
  });

  test("of a topic that gets a value which is not JSON is on those that are", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(100));
    await using view = await openView(store, "t", { folder: dir.path, indexes: ["$.user.id"] });
    await view.ask("select 1");
    await store.append("t", [{ value: "no JSON" }, { value: Uint8Array.of(1, 2) }]);
    const sql = "select count(*) from t where json ->> '$.user.id' = 'u7'";
    assert.deepEqual((await view.ask(sql)).rows, [[2]]);
    const { rows } = view.askNow(`explain query plan ${sql}`);
    assert.match(String(rows[0]![3]), /^SEARCH/);
    assert.throws(() => view.askNow("select value ->> '$.user.id' from t"), /malformed JSON/);
  });

  test("by offset, key and timestamp is always there", async () => {
    await using dir = tempDir();
    await using store = await Store.memory();
    await store.append("t", jsonRecords(100));
    await using view = await openView(store, "t", { folder: dir.path });
    await view.ask("select 1");
    const wheres = [
      "offset = 5",
      "offset > 90",
      "key = 'k1'",
      "timestamp >= unixepoch('2026-11-20') * 1000",
      "partition = 0 and offset between 3 and 9",
    ];
    for (const where of wheres) {
      const { rows } = view.askNow(`explain query plan select * from t where ${where}`);
      assert.match(String(rows[0]![3]), /^SEARCH t USING (INDEX|PRIMARY KEY)/, where);
    }
  });
});

/** A backend that notes from where batches are read. */
function watched(store: Store, read: number[]): Backend {
  return new Proxy<Backend>(store, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (name !== "batches") return typeof member === "function" ? member.bind(target) : member;
      return (...args: Parameters<Backend["batches"]>) => {
        read.push(args[1]?.from ?? 0);
        return target.batches(...args);
      };
    },
  });
}
