/** One owner at a time, whatever becomes of it: many who try, one that is stopped, one that is robbed. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readRecords, Store, verify } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { RemoteStore } from "../support/remote_store.ts";
import { findRuntime, type Runtime, thisRuntime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";

const runtimes = (["deno", "bun", "node"] as const).map(findRuntime)
  .filter((found): found is Runtime => typeof found !== "string");
const OPENERS = 100;
/** A hundred runtimes at once would be a test of the machine: each process tries several times. */
const PROCESSES = 4 * runtimes.length;
const TRIES = Math.ceil(OPENERS / PROCESSES);

/** What one of many openers was told. */
interface Contention {
  readonly code: string;
  readonly holder?: string;
}

test(
  `of ${PROCESSES * TRIES} openers at once one wins, on ${
    runtimes.map(({ name }) => name).join(", ")
  }, and a kill frees the store`,
  async () => {
    await using dir = tempDir();
    await using all = new AsyncDisposableStack();
    const processes = Array.from(
      { length: PROCESSES },
      (_, i) => all.use(new RemoteStore(runtimes[i % runtimes.length]!)),
    );
    const pids = await Promise.all(
      processes.map(async (one) => (await one.ask<number>("pid")).value!),
    );
    const contend = () =>
      Promise.all(
        processes.map((one) =>
          one.ask<Contention[]>("contend", { folder: dir.path, times: TRIES })
        ),
      );
    for (let round = 0; round < 2; round++) {
      const told = (await contend()).map(({ value }) => value!);
      const winners = told.flatMap((tries, i) =>
        tries.some(({ code }) => code === "won") ? [i] : []
      );
      const results = told.flat();
      assert.equal(results.length, processes.length * TRIES);
      assert.equal(results.filter(({ code }) => code === "won").length, 1);
      assert.equal(results.filter(({ code }) => code === "locked").length, results.length - 1);
      const [winner] = winners as [number];
      const locked = await rejectsWith("locked", () => Store.open(dir.path));
      assert.match(locked.message, new RegExp(`the process with pid ${pids[winner]},`));
      await processes[winner]!.kill();
      const next = await Store.open(dir.path); // at once, not after a while
      await next.append("t", [{ value: `${round}` }]);
      await next.close();
      processes.splice(winner, 1);
      pids.splice(winner, 1);
    }
    await using store = await Store.open(dir.path);
    assert.deepEqual(await shown(readRecords(store, "t")), ["0:0", "1:1"]);
  },
);

test("a stopped owner keeps its store, and goes on unharmed when it is continued", async () => {
  await using dir = tempDir();
  await using owner = new RemoteStore(thisRuntime());
  const { value: pid } = await owner.ask<number>("pid");
  await owner.open(dir.path);
  assert.deepEqual((await owner.append("t", [{ value: "a" }])).value, { start: 0, end: 1 });
  owner.signal("SIGSTOP");
  const stopped = owner.append("t", [{ value: "b" }]);
  const error = await rejectsWith("locked", () => Store.open(dir.path));
  assert.match(error.message, new RegExp(`pid ${pid},`));
  await using reader = await Store.open(dir.path, { readOnly: true });
  assert.deepEqual(await shown(readRecords(reader, "t")), ["0:a"]);
  owner.signal("SIGCONT");
  assert.deepEqual((await stopped).value, { start: 1, end: 2 });
  assert.deepEqual((await owner.append("t", [{ value: "c" }])).value, { start: 2, end: 3 });
  assert.equal((await owner.ask("close")).code, undefined);
  assert.deepEqual(await shown(readRecords(reader, "t")), ["0:a", "1:b", "2:c"]);
  assert.equal(verify(dir.path).ok, true);
});

test("an owner whose LOCK file is replaced leaves the store to the process that locks the new one", async () => {
  await using dir = tempDir();
  const lock = join(dir.path, "LOCK");
  await using first = new RemoteStore(thisRuntime());
  await first.open(dir.path);
  await first.append("t", [{ value: "a" }]);
  for (const [i, runtime] of runtimes.entries()) {
    fs.renameSync(lock, `${lock}.old`);
    await using other = new RemoteStore(runtime);
    await other.open(dir.path);
    assert.equal((await other.append("t", [{ value: `${i}` }])).value?.start, 1 + i, runtime.name);
    assert.equal((await first.append("t", [{ value: "lost" }])).code, "poisoned");
    assert.equal((await first.append("t", [{ value: "lost" }], { sync: "os" })).code, "poisoned");
    assert.equal((await first.ask("truncate", { topic: "t", before: 1 })).code, "poisoned");
    assert.equal((await first.ask("ensureTopic", { topic: "u" })).code, "poisoned");
    assert.equal((await other.ask("close")).code, undefined);
  }
  assert.equal((await first.ask("close")).code, undefined);
  await using store = await Store.open(dir.path);
  const expected = ["0:a", ...runtimes.map((_, i) => `${1 + i}:${i}`)];
  assert.deepEqual(await shown(readRecords(store, "t")), expected);
});
