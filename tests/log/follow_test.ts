import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate } from "node:timers";
import { Log } from "../../mod.ts";
import { collect, rejectsWith, take } from "../support/collect.ts";

describe("following", () => {
  test("200 followers see every record once and in order", async () => {
    const log = await Log.memory();
    const count = 300;
    const followers = Array.from({ length: 200 }, () => take(log.records({ follow: true }), count));
    for (let i = 0; i < count; i += 3) {
      await log.appendAll([{ value: `${i}` }, { value: `${i + 1}` }, { value: `${i + 2}` }]);
    }
    const expected = Array.from({ length: count }, (_, i) => i);
    for (const records of await Promise.all(followers)) {
      assert.deepEqual(records.map((record) => record.offset), expected);
    }
    await log.close();
  });

  test("a follower that waits at the end does nothing until it is woken", async () => {
    const log = await Log.memory();
    const records = log.records({ follow: true });
    let isDone = false;
    const next = records.next().finally(() => isDone = true);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isDone, false);
    await log.append({ value: "a" });
    assert.equal((await next).value?.text, "a");
    await log.close();
  });

  test("following in reverse is refused", async () => {
    const log = await Log.memory();
    await rejectsWith(
      "invalid-argument",
      () => collect(log.records({ follow: true, reverse: true })),
    );
    await log.close();
  });

  test("a signal that is aborted already ends the reading before it starts", async () => {
    const log = await Log.memory();
    await log.append({ value: "a" });
    const signal = AbortSignal.abort();
    assert.deepEqual(await collect(log.records({ signal })), []);
    assert.deepEqual(await collect(log.records({ signal, follow: true })), []);
    await log.close();
  });

  test("a follower goes on across rolls", async () => {
    const log = await Log.memory({ segmentBytes: 4096 });
    const following = take(log.records({ follow: true }), 30);
    for (let i = 0; i < 30; i++) await log.append({ value: "x".repeat(700) });
    assert.deepEqual(
      (await following).map((record) => record.offset),
      Array.from({ length: 30 }, (_, i) => i),
    );
    assert.ok(log.segmentCount > 4);
    await log.close();
  });

  test("reading much gives other tasks their turn", async () => {
    const log = await Log.memory();
    const value = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 40; i++) await log.append({ value });
    let turns = 0;
    let isReading = true;
    const others = (async () => {
      while (isReading) {
        turns++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await collect(log.records());
    isReading = false;
    await others;
    assert.ok(turns >= 4, `${turns} turns`);
    await log.close();
  });
});
