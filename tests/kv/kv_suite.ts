/** What a bucket promises, whatever keeps its topic. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Backend, json, Kv, type KvChange, SeglogError } from "../../mod.ts";
import type { Cannot } from "../support/cannot.ts";
import { collect, rejectsWith, take } from "../support/collect.ts";

/** Opens a fresh, empty backend. */
export type OpenBackend = () => Promise<{ readonly backend: Backend } & AsyncDisposable>;

const KEYS = ["a", "a1", "a2", "b", "ü", "😀"];

/** Runs all promises on backends of one kind. */
export function kvSuite(name: string, open: OpenBackend, cannot: Cannot = {}): void {
  const promise = (
    what: string,
    run: (kv: Kv, backend: Backend) => Promise<void>,
    skip: string | undefined = undefined,
  ) =>
    test(what, { skip: skip ?? false }, async () => {
      await using opened = await open();
      await using kv = await Kv.open(opened.backend, "users");
      await run(kv, opened.backend);
    });

  describe(`${name}: keys and values`, () => {
    promise("what was set is read, with its revision, until it is deleted", async (kv) => {
      assert.equal(await kv.get("u1"), undefined);
      assert.equal(await kv.has("u1"), false);
      assert.equal(await kv.set("u1", "Alice"), 0);
      assert.equal(await kv.set("u2", json({ qty: 2 })), 1);
      assert.equal(await kv.set("u3", Uint8Array.of(1, 2)), 2);
      assert.equal(await kv.set("u1", ""), 3);
      const [one, two, three] = await Promise.all(["u1", "u2", "u3"].map((key) => kv.get(key)));
      assert.deepEqual([one!.revision, one!.type, one!.text], [3, "text", ""]);
      assert.deepEqual([two!.revision, two!.json()], [1, { qty: 2 }]);
      assert.deepEqual([three!.type, [...three!.value]], ["bytes", [1, 2]]);
      assert.equal(await kv.delete("u1"), 4);
      assert.equal(await kv.get("u1"), undefined);
      assert.equal(await kv.delete("u1"), undefined);
      assert.equal(kv.revision, 4);
      const [, deleted] = await Promise.all([kv.set("u1", "again"), kv.delete("u1")]);
      assert.equal(deleted, 6);
    });

    promise("keys come in the order of their bytes, within a range, either way", async (kv) => {
      for (const key of KEYS.toReversed()) await kv.set(key, key);
      assert.deepEqual(await collect(kv.keys()), KEYS);
      assert.deepEqual(await collect(kv.keys({ prefix: "a" })), ["a", "a1", "a2"]);
      assert.deepEqual(await collect(kv.keys({ start: "a1", end: "ü" })), ["a1", "a2", "b"]);
      assert.deepEqual(await collect(kv.keys({ prefix: "a", start: "a1" })), ["a1", "a2"]);
      assert.deepEqual(await collect(kv.keys({ reverse: true, limit: 2 })), ["😀", "ü"]);
      assert.deepEqual(await collect(kv.keys({ start: "c", end: "b" })), []);
      assert.deepEqual(await collect(kv.keys({ limit: 0 })), []);
      const listed = await collect(kv.list({ prefix: "a" }));
      assert.deepEqual(listed.map(({ key, text }) => [key, text]), [["a", "a"], ["a1", "a1"], [
        "a2",
        "a2",
      ]]);
    });

    promise("a list is of one moment, however long it takes", async (kv) => {
      for (let i = 0; i < 600; i++) kv.set(`k${String(i).padStart(3, "0")}`, "before");
      await kv.set("last", "before");
      let seen = 0;
      for await (const entry of kv.list()) {
        assert.equal(entry.text, "before");
        if (seen++ === 0) {
          await kv.set("k599", "after");
          await kv.delete("k300");
          await kv.set("k300.5", "after");
        }
      }
      assert.equal(seen, 601);
      assert.equal((await kv.get("k599"))!.text, "after");
    });

    promise("conditions hold at the moment of the write, or nothing is written", async (kv) => {
      const first = await kv.set("u1", "a", { ifAbsent: true });
      await rejectsWith("condition-failed", () => kv.set("u1", "b", { ifAbsent: true }));
      const second = await kv.set("u1", "c", { ifRevision: first });
      const error = await rejectsWith(
        "condition-failed",
        () => kv.set("u1", "d", { ifRevision: first }),
      );
      assert.deepEqual([error.details.expected, error.details.actual], [first, second]);
      await rejectsWith("condition-failed", () => kv.delete("u1", { ifRevision: first }));
      await rejectsWith("condition-failed", () => kv.set("none", "d", { ifRevision: 0 }));
      assert.equal((await kv.get("u1"))!.text, "c");
      assert.equal(kv.revision, second);
      await kv.delete("u1", { ifRevision: second });
      assert.equal(await kv.set("u1", "e", { ifAbsent: true }), second + 2);
    });

    promise("of many conditional writes at once one succeeds", async (kv, backend) => {
      await using other = await Kv.open(backend, "users");
      const start = await kv.set("n", "0");
      const tries = Array.from(
        { length: 20 },
        (_, i) => (i % 2 === 0 ? kv : other).set("n", `${i}`, { ifRevision: start }),
      );
      const results = await Promise.allSettled(tries);
      const stored = results.filter(({ status }) => status === "fulfilled");
      assert.equal(stored.length, 1);
      for (const result of results) {
        if (result.status === "rejected") assert.equal(result.reason.code, "condition-failed");
      }
    });

    promise("two who write the same bucket see each other's writes", async (kv, backend) => {
      await using other = await Kv.open(backend, "users");
      const revision = await kv.set("u1", "Alice");
      await other.catchUp();
      assert.equal((await other.get("u1"))!.revision, revision);
      await other.set("u1", "Bob", { ifRevision: revision });
      await kv.catchUp();
      assert.equal((await kv.get("u1"))!.text, "Bob");
      // What is not seen yet does not make a condition fail, or a deletion do nothing.
      const next = await other.set("u2", "x");
      await kv.set("u2", "y", { ifRevision: next });
      await other.set("u3", "x");
      assert.notEqual(await kv.delete("u3"), undefined);
    });

    promise("a bucket that is opened again is as it was", async (kv, backend) => {
      for (let i = 0; i < 100; i++) kv.set(`k${i % 10}`, `${i}`);
      await kv.delete("k3");
      await using again = await Kv.open(backend, "users", { create: false });
      assert.equal(again.revision, kv.revision);
      assert.deepEqual(await entriesOf(again), await entriesOf(kv));
      assert.equal((await again.stats()).keys, 9);
    });

    promise("the history of a key is all that was written of it", async (kv) => {
      await kv.set("u1", "a");
      await kv.set("u2", "x");
      await kv.set("u1", "b");
      await kv.delete("u1");
      assert.deepEqual(told(await collect(kv.history("u1"))), ["0 u1=a", "2 u1=b", "3 -u1"]);
      assert.deepEqual(told(await collect(kv.history("u1", { reverse: true, limit: 2 }))), [
        "3 -u1",
        "2 u1=b",
      ]);
      assert.deepEqual(await collect(kv.history("none")), []);
    });

    promise("a watch tells changes as they come, of a key or a prefix", async (kv) => {
      await kv.set("u1", "a");
      const all = take(kv.watch({ prefix: "" }, { from: 0 }), 4);
      const one = take(kv.watch("u1"), 2);
      const some = take(kv.watch({ prefix: "v" }), 1);
      await kv.set("v1", "x");
      await kv.set("u1", "b");
      await kv.delete("u1");
      assert.deepEqual(told(await all), ["0 u1=a", "1 v1=x", "2 u1=b", "3 -u1"]);
      assert.deepEqual(told(await one), ["2 u1=b", "3 -u1"]);
      assert.deepEqual(told(await some), ["1 v1=x"]);
    });

    promise(
      "records of the topic that are not of a bucket are passed over",
      async (kv, backend) => {
        await backend.append("users", [
          { value: "no key" },
          { key: "", value: "empty key" },
          { key: Uint8Array.of(0xff), value: "not UTF-8" },
          { key: "k".repeat(1025), value: "too long" },
          { key: "u1", value: "a key" },
        ], { partition: 0 });
        await kv.catchUp();
        assert.deepEqual(await collect(kv.keys()), ["u1"]);
        assert.equal(await kv.set("u2", "x"), 5);
      },
    );

    promise("what cannot be is refused, and nothing of it is written", async (kv, backend) => {
      for (const key of ["", "\ud800"]) {
        await rejectsWith("invalid-argument", () => kv.set(key, "x"));
        await rejectsWith("invalid-argument", () => kv.get(key));
      }
      await rejectsWith("too-large", () => kv.set("k".repeat(1025), "x"));
      await rejectsWith("too-large", () => kv.set("k", new Uint8Array(17 * 1024 * 1024)));
      await rejectsWith("invalid-record", () => kv.set("k", "\ud800"));
      await rejectsWith("invalid-argument", () => collect(kv.list({ limit: -1 })));
      assert.equal(await kv.set("k".repeat(1024), "x"), 0);
      await backend.ensureTopic("wide", { partitions: 2 });
      await rejectsWith("invalid-argument", () => Kv.open(backend, "wide"));
      await rejectsWith("not-found", () => Kv.open(backend, "none", { create: false }));
    });

    promise("a write that cannot be takes none of those with it that wait", async (kv) => {
      const good = [kv.set("a", "1"), kv.set("b", "2")];
      const bad = rejectsWith("invalid-record", () => kv.set("c", "\ud800"));
      const more = kv.set("d", "4");
      await bad;
      assert.deepEqual(await Promise.all([...good, more]), [0, 1, 2]);
    });

    promise("a closed bucket is of no use, its backend is", async (kv, backend) => {
      await kv.set("a", "1");
      await kv.close();
      await rejectsWith("closed", () => kv.set("a", "2"));
      await rejectsWith("closed", () => kv.get("a"));
      await using again = await Kv.open(backend, "users");
      assert.equal((await again.get("a"))!.text, "1");
    });
  });

  describe(`${name}: snapshots and transactions`, () => {
    promise("a snapshot shows one revision, until it is closed", async (kv) => {
      await kv.set("a", "1");
      await kv.set("b", "1");
      const snapshot = kv.snapshot();
      await kv.set("a", "2");
      await kv.delete("b");
      await kv.set("c", "2");
      assert.equal(snapshot.revision, 1);
      assert.equal((await snapshot.get("a"))!.text, "1");
      assert.equal(snapshot.has("b"), true);
      assert.equal(snapshot.has("c"), false);
      assert.deepEqual([...snapshot.keys()], ["a", "b"]);
      assert.deepEqual((await collect(snapshot.list())).map(({ text }) => text), ["1", "1"]);
      snapshot.close();
      await rejectsWith("closed", () => snapshot.get("a"));
      assert.deepEqual(await collect(kv.keys()), ["a", "c"]);
    });

    promise("a transaction reads its own writes, and commits all of them or none", async (kv) => {
      await kv.set("a", "1");
      await kv.set("b", "1");
      const { result, revision } = await kv.transaction(async (tx) => {
        tx.set("a", "2");
        tx.delete("b");
        tx.set("c", "2");
        assert.equal((await tx.get("a"))!.text, "2");
        assert.equal(await tx.get("b"), undefined);
        assert.deepEqual((await collect(tx.list())).map(({ key, text }) => `${key}=${text}`), [
          "a=2",
          "c=2",
        ]);
        const last = await collect(tx.list({ reverse: true, limit: 1 }));
        assert.deepEqual(last.map(({ key }) => key), ["c"]);
        assert.equal((await kv.get("a"))!.text, "1", "nobody else sees it yet");
        return "done";
      });
      assert.deepEqual([result, revision], ["done", 4]);
      assert.deepEqual(await entriesOf(kv), ["a=2", "c=2"]);
      await assert.rejects(
        kv.transaction((tx) => {
          tx.set("a", "3");
          throw new Error("no");
        }),
        /^Error: no$/,
      );
      assert.deepEqual(await entriesOf(kv), ["a=2", "c=2"]);
    });

    promise("of two that write the same key the first to commit wins", async (kv) => {
      for (const isolation of ["snapshot", "serializable"] as const) {
        await kv.set("n", "0");
        const late = rejectsWith("conflict", () =>
          kv.transaction(async (tx) => {
            const n = Number((await tx.get("n"))!.text);
            await kv.set("n", "10");
            tx.set("n", `${n + 1}`);
          }, { isolation }));
        assert.equal((await late).details.key, "n");
        assert.equal((await kv.get("n"))!.text, "10");
      }
    });

    promise("retries make a counter exact, from two sides", async (kv, backend) => {
      await using other = await Kv.open(backend, "users");
      const increment = (side: Kv) =>
        side.transaction(async (tx) => {
          const entry = await tx.get("n");
          tx.set("n", `${Number(entry?.text ?? 0) + 1}`);
        }, { retries: 1000 });
      await Promise.all(Array.from({ length: 40 }, (_, i) => increment(i % 2 === 0 ? kv : other)));
      await kv.catchUp();
      assert.equal((await kv.get("n"))!.text, "40");
    });

    promise("write skew passes snapshot isolation, not the serializable mode", async (kv) => {
      const run = async (isolation: "snapshot" | "serializable") => {
        await kv.set("alice", "on call");
        await kv.set("bob", "on call");
        const leave = (own: string, other: string) =>
          kv.transaction(async (tx) => {
            if ((await tx.get(other))!.text === "on call") tx.set(own, "off");
          }, { isolation });
        const results = await Promise.allSettled([leave("alice", "bob"), leave("bob", "alice")]);
        return results.map(({ status }) => status).toSorted();
      };
      assert.deepEqual(await run("snapshot"), ["fulfilled", "fulfilled"]);
      assert.deepEqual(await run("serializable"), ["fulfilled", "rejected"]);
    });

    promise("a key that was looked at without its value counts as read", async (kv) => {
      await rejectsWith("conflict", () =>
        kv.transaction(async (tx) => {
          assert.equal(tx.has("a"), false);
          await kv.set("a", "x");
          tx.set("seen", "no a");
        }));
      assert.equal(await kv.get("seen"), undefined);
    });

    promise("a key that comes into a range that was read, or goes, is a conflict", async (kv) => {
      for (const change of ["set", "delete"] as const) {
        await kv.set("a1", "x");
        await kv.set("a9", "x");
        await kv.delete("a5");
        const reading = (prefix: string) =>
          kv.transaction(async (tx) => {
            const count = (await collect(tx.list({ prefix }))).length;
            if (change === "set") await kv.set("a5", "x");
            else await kv.delete("a9");
            tx.set("count", `${count}`);
          });
        await rejectsWith("conflict", () => reading("a"));
        await reading("b");
      }
    });

    promise("what is behind the part of a range that was read does not matter", async (kv) => {
      for (const key of ["a1", "a2", "a3"]) await kv.set(key, "x");
      await kv.transaction(async (tx) => {
        await collect(tx.list({ prefix: "a", limit: 1 }));
        await kv.set("a3", "y");
        tx.set("seen", "1");
      });
      await rejectsWith("conflict", () =>
        kv.transaction(async (tx) => {
          await collect(tx.list({ prefix: "a", limit: 1, reverse: true }));
          await kv.set("a3", "z");
          tx.set("seen", "2");
        }));
    });

    promise(
      "a key that comes behind the last of a range that was read to its end is a conflict",
      async (kv) => {
        for (const key of ["a1", "a2"]) await kv.set(key, "x");
        await rejectsWith("conflict", () =>
          kv.transaction(async (tx) => {
            assert.equal((await collect(tx.list({ prefix: "a", limit: 10 }))).length, 2);
            await kv.set("a3", "x");
            tx.set("seen", "2");
          }));
      },
    );

    promise("a deletion in a transaction is a record only where there is a value", async (kv) => {
      await kv.set("a", "1");
      const { revision } = await kv.transaction((tx) => {
        tx.delete("none");
        tx.set("made", "x");
        tx.delete("made");
        assert.equal(tx.has("a"), true);
        tx.delete("a");
        assert.equal(tx.has("a"), false);
      });
      assert.equal(revision, 1);
      assert.equal(await kv.get("a"), undefined);
      const nothing = await kv.transaction((tx) => tx.delete("none"));
      assert.equal(nothing.revision, 1);
      await rejectsWith("conflict", () =>
        kv.transaction(async (tx) => {
          tx.delete("none");
          tx.set("b", "1");
          await kv.set("none", "some");
        }, { isolation: "snapshot" }));
    });

    promise("a transaction that writes nothing never conflicts", async (kv) => {
      await kv.set("a", "1");
      const { result, revision } = await kv.transaction(async (tx) => {
        await kv.set("a", "2");
        return (await tx.get("a"))!.text;
      });
      assert.deepEqual([result, revision], ["1", 0]);
    });

    promise("behind its callback a transaction is of no use", async (kv) => {
      let kept: { set(key: string, value: string): void } | undefined;
      await kv.transaction((tx) => void (kept = tx));
      assert.throws(
        () => kept!.set("a", "1"),
        (error) => error instanceof SeglogError && error.code === "closed",
      );
    });
  });

  describe(`${name}: older revisions and compaction`, () => {
    promise("a key is read as of any revision of the bucket", async (kv) => {
      await kv.set("a", "1"); // 0
      await kv.set("b", "x"); // 1
      await kv.set("a", "2"); // 2
      await kv.delete("a"); // 3
      await kv.set("a", "3"); // 4
      const texts = await Promise.all(
        [0, 1, 2, 3, 4].map(async (revision) => (await kv.get("a", { revision }))?.text),
      );
      assert.deepEqual(texts, ["1", "1", "2", undefined, "3"]);
      assert.equal((await kv.get("b", { revision: 4 }))!.revision, 1);
      assert.equal(await kv.get("b", { revision: 0 }), undefined);
      assert.equal(await kv.get("none", { revision: 2 }), undefined);
      await rejectsWith("offset-out-of-range", () => kv.get("a", { revision: 5 }));
      for (const revision of [-1, 1.5, NaN]) {
        await rejectsWith("invalid-argument", () => kv.get("a", { revision }));
      }
    });

    promise("compaction keeps every value, and tells of revisions that are gone", async (kv) => {
      for (let round = 0; round < 20; round++) {
        for (const key of KEYS) await kv.set(key, `${key}${round}`);
      }
      await kv.delete("b");
      const before = await kv.stats();
      const done = await kv.compact();
      assert.equal(done.records, 20 * KEYS.length - (KEYS.length - 1));
      assert.ok(done.bytes > 0);
      const after = await kv.stats();
      assert.deepEqual([after.keys, after.revision], [before.keys, before.revision]);
      assert.equal(after.records, KEYS.length); // the deletion is young
      assert.equal(after.compactedTo, after.revision + 1);
      for (const key of KEYS) {
        assert.equal((await kv.get(key))?.text, key === "b" ? undefined : `${key}19`);
      }
      assert.equal((await kv.get("a", { revision: after.revision }))!.text, "a19");
      const error = await rejectsWith("compacted", () => kv.get("a", { revision: 3 }));
      assert.equal(error.details.first, after.revision);
      assert.deepEqual(
        (await collect(kv.history("a"))).map(({ revision }) => revision),
        [19 * KEYS.length],
      );
      assert.equal(await kv.set("a", "again"), after.revision + 1);
      assert.equal((await kv.get("a", { revision: after.revision }))!.text, "a19");
    }, cannot.compact);

    promise(
      "an open snapshot is read as it was, or says that it cannot be",
      async (kv, backend) => {
        await kv.set("a", "1");
        await kv.set("b", "1");
        using snapshot = kv.snapshot();
        await kv.set("a", "2");
        await kv.delete("b");
        await kv.compact();
        assert.deepEqual([...snapshot.keys()], ["a", "b"]);
        if (backend.hold === undefined) {
          await rejectsWith("compacted", () => snapshot.get("a"));
          await rejectsWith("compacted", () => collect(snapshot.list()));
        } else {
          assert.deepEqual((await collect(snapshot.list())).map(({ text }) => text), ["1", "1"]);
          snapshot.close();
          assert.equal((await kv.compact()).records, 2);
        }
        assert.deepEqual((await collect(kv.list())).map(({ text }) => text), ["2"]);
      },
      cannot.compact,
    );

    promise("a deleted key stays deleted, whenever the bucket is opened", async (kv, backend) => {
      await backend.configureTopic("users", { tombstoneMs: 0 });
      for (const key of KEYS) await kv.set(key, "1");
      for (const key of KEYS.slice(1)) await kv.delete(key);
      const nowMs = Date.now(); // tombstones of this millisecond stay
      while (Date.now() <= nowMs) await new Promise((resolve) => setTimeout(resolve));
      await kv.compact();
      assert.deepEqual(await collect(kv.keys()), ["a"]);
      await using again = await Kv.open(backend, "users");
      assert.deepEqual(await collect(again.keys()), ["a"]);
      assert.equal((await again.stats()).records, 1);
    }, cannot.compact);

    promise("transactions go on while the bucket is compacted", async (kv) => {
      await kv.set("count", "0");
      const count = async () => {
        for (let i = 0; i < 30; i++) {
          await kv.transaction(async (tx) => {
            tx.set("count", String(Number((await tx.get("count"))!.text) + 1));
          }, { retries: 50 });
        }
      };
      let isOver = false;
      const compacting = (async () => {
        while (!isOver) {
          await kv.compact();
          await nextTurn(); // a copy in memory has nothing to wait for, and who writes has
        }
      })();
      await Promise.all([count(), count()]);
      isOver = true;
      await compacting;
      assert.equal((await kv.get("count"))!.text, "60");
    });

    promise(
      "what truncated the last revisions ends the bucket, which is opened again",
      async (kv, backend) => {
        for (const key of ["a", "b", "a", "c"]) await kv.set(key, key);
        await backend.truncate("users", { after: 1 });
        await rejectsWith("closed", () => kv.get("c"));
        await rejectsWith("closed", () => kv.set("c", "", { ifAbsent: true }));
        await using again = await Kv.open(backend, "users");
        assert.deepEqual(await collect(again.keys()), ["a", "b"]);
        assert.equal(await again.set("c", "new", { ifAbsent: true }), 4);
      },
      cannot.truncateAfter,
    );

    promise("a value that is not one is refused", async (kv) => {
      for (const value of [{ name: "A" }, null, 5, undefined]) {
        await rejectsWith("invalid-argument", () => kv.set("k", value as never));
      }
      assert.equal(kv.revision, -1);
    });

    promise("closing ends who watches", async (kv) => {
      const watching = collect(kv.watch("a"));
      await kv.close();
      assert.deepEqual(await watching, []);
    });

    promise("a key that is written while it is listed is not lost from the list", async (kv) => {
      for (const key of ["a", "b", "c"]) await kv.set(key, "1");
      const seen: string[] = [];
      await kv.transaction(async (tx) => {
        for await (const { key } of tx.list()) {
          seen.push(key);
          if (key === "a") tx.set("b", "2");
        }
      });
      assert.deepEqual(seen, ["a", "b", "c"]);
    });

    promise("keys whose records were truncated are gone", async (kv, backend) => {
      for (const key of ["a", "b", "c"]) await kv.set(key, key);
      await backend.truncate("users", { before: 2 });
      assert.equal((await kv.stats()).keys, 1);
      assert.equal(await kv.get("a"), undefined);
      assert.equal((await kv.get("c"))!.text, "c");
      assert.deepEqual((await collect(kv.list())).map(({ key }) => key), ["c"]);
      assert.equal(await kv.set("b", "new", { ifAbsent: true }), 3);
      assert.deepEqual(await collect(kv.keys()), ["b", "c"]);
    });
  });
}

async function entriesOf(kv: Kv): Promise<string[]> {
  return (await collect(kv.list())).map(({ key, text }) => `${key}=${text}`);
}

function told(changes: readonly KvChange[]): string[] {
  return changes.map((change) =>
    change.kind === "set"
      ? `${change.revision} ${change.key}=${change.entry.text}`
      : `${change.revision} -${change.key}`
  );
}
