/** Many who write to one partition, each with a connection of its own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readRecords } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { newPrefix, openOn, sharedServer, withNats } from "./support.ts";

describe("several writers", () => {
  const server = sharedServer();
  const openTwo = async () => {
    const prefix = newPrefix();
    const [one, two] = [
      await openOn(await server(), { prefix }),
      await openOn(await server(), { prefix }),
    ];
    return {
      prefix,
      one,
      two,
      async [Symbol.asyncDispose]() {
        await one.close();
        await two.close();
      },
    };
  };

  test(
    "appends of three are dense, none lost, none twice, each in its order",
    withNats,
    async () => {
      const prefix = newPrefix();
      const backends = await Promise.all([0, 1, 2].map(async () => {
        return await openOn(await server(), { prefix });
      }));
      await backends[0]!.ensureTopic("orders");
      const ranges = await Promise.all(backends.map(async (backend, writer) => {
        const starts: number[] = [];
        const some = Array.from({ length: 150 }, (_, i) => i);
        await Promise.all(some.map(async (i) => {
          if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, i / 10));
          const records = [{ value: `${writer}:${i}:a` }, { value: `${writer}:${i}:b` }];
          starts[i] = (await backend.append("orders", records)).start;
        }));
        for (let i = 150; i < 200; i++) {
          starts[i] = (await backend.append("orders", [{ value: `${writer}:${i}` }])).start;
        }
        return starts;
      }));
      const records = await collect(readRecords(backends[2]!, "orders"));
      assert.equal(records.length, 3 * (2 * 150 + 50));
      assert.deepEqual(records.map(({ offset }) => offset), records.map((_, i) => i));
      assert.equal(new Set(records.map(({ text }) => text)).size, records.length);
      for (const [writer, starts] of ranges.entries()) {
        for (const [i, start] of starts.entries()) {
          assert.equal(records[start]!.text, i < 150 ? `${writer}:${i}:a` : `${writer}:${i}`);
          if (i < 150) assert.equal(records[start + 1]!.text, `${writer}:${i}:b`);
          if (i > 150) assert.ok(start > starts[i - 1]!);
        }
      }
      for (const backend of backends) await backend.close();
    },
  );

  test(
    "of two appends at one offset from different places one is made, again and again",
    withNats,
    async () => {
      await using opened = await openTwo();
      const { one, two } = opened;
      await one.ensureTopic("orders");
      for (let offset = 0; offset < 40; offset++) {
        const results = await Promise.allSettled([
          one.append("orders", [{ value: "one" }], { expectedOffset: offset }),
          two.append("orders", [{ value: "two" }], { expectedOffset: offset }),
        ]);
        const refused = results.filter((result) => result.status === "rejected");
        assert.equal(refused.length, 1);
        const { code, details } = refused[0]!.reason;
        assert.deepEqual([code, details.expected, details.actual], [
          "condition-failed",
          offset,
          offset + 1,
        ]);
      }
      assert.equal((await two.bounds("orders")).nextOffset, 40);
    },
  );

  test(
    "a producer is known wherever it goes on, also when its records are gone",
    withNats,
    async () => {
      await using opened = await openTwo();
      const { one, two } = opened;
      const append = (backend: typeof one, sequence: number, epoch = 0) =>
        backend.append("orders", [{ value: `${epoch}:${sequence}` }], {
          producer: { id: "p ä.*>", epoch, sequence },
        });
      for (let sequence = 0; sequence < 8; sequence++) await append(one, sequence);
      assert.equal((await append(two, 7)).start, 7);
      assert.equal((await append(two, 3)).start, 3);
      await rejectsWith("condition-failed", () => append(two, 2));
      await rejectsWith("condition-failed", () => append(two, 9));
      await append(two, 8);
      assert.equal((await append(one, 8)).start, 8);

      await one.append("orders", [{ value: "other" }]);
      await one.truncate("orders", { before: 10 });
      assert.equal((await append(two, 8)).start, 8);
      await rejectsWith("condition-failed", () => append(one, 10));
      await one.append("orders", [{ value: "more" }]);
      await two.truncate("orders", { before: 11 });
      assert.equal((await append(one, 9)).start, 11);
      assert.equal((await append(two, 0, 1)).start, 12);
      await rejectsWith("condition-failed", () => append(one, 10));
      assert.deepEqual(await shown(readRecords(one, "orders")), ["11:0:9", "12:1:0"]);
    },
  );

  test(
    "appends of one producer that are under way together come in order, once",
    withNats,
    async () => {
      await using opened = await openTwo();
      const { one, two } = opened;
      await one.ensureTopic("orders");
      const appends = (backend: typeof one) =>
        Array.from(
          { length: 30 },
          (_, sequence) =>
            backend.append("orders", [{ value: `${sequence}` }], {
              producer: { id: "p", epoch: 0, sequence },
            }),
        );
      const results = await Promise.all(appends(one));
      assert.deepEqual(
        results.map(({ start }) => start),
        results.map((_, i) => i),
      );
      const again = await Promise.allSettled(appends(two));
      assert.deepEqual(
        again.map((result) => result.status === "fulfilled" ? result.value.start : undefined),
        Array.from({ length: 30 }, (_, i) => i < 25 ? undefined : i),
      );
      assert.equal((await two.bounds("orders")).nextOffset, 30);
    },
  );

  test(
    "a topic that somebody else deleted and made anew is found by who knew the old one",
    withNats,
    async () => {
      await using opened = await openTwo();
      const { one, two } = opened;
      await one.append("orders", [{ value: "old" }]);
      assert.deepEqual(await shown(readRecords(two, "orders")), ["0:old"]);
      const following = rejectsWith("not-found", async () => {
        await collect(readRecords(two, "orders", { from: 0, follow: true }));
      });
      await one.deleteTopic("orders");
      await following;
      await rejectsWith("not-found", () => two.bounds("orders"));
      await one.append("orders", [{ value: "new" }]);
      assert.deepEqual(await shown(readRecords(two, "orders")), ["0:new"]);
      await one.deleteTopic("orders");
      assert.equal((await two.append("orders", [{ value: "newer" }])).start, 0);
      assert.deepEqual(await shown(readRecords(one, "orders")), ["0:newer"]);
    },
  );

  test("of many who make one topic at once, one makes it", withNats, async () => {
    await using opened = await openTwo();
    const { one, two } = opened;
    const made = await Promise.all(
      [one, two, one, two].map((backend) => backend.ensureTopic("orders", { partitions: 2 })),
    );
    assert.equal(made.filter(({ created }) => created).length, 1);
    assert.equal(new Set(made.map(({ topic }) => topic.id)).size, 1);
  });
});
