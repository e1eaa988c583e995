/** A query that would never end is ended, and the process that runs it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../core/base/clock.ts";
import { Store } from "../../mod.ts";
import { openQueries } from "./query_support.ts";
import { rejects } from "./throws_with.ts";

const ENDLESS =
  "with recursive t(x) as (select 1 union all select x + 1 from t) select count(*) from t";

/** Fails after a while, so that what was started can still be ended. */
async function soon(promise: Promise<unknown>): Promise<unknown> {
  const over = new AbortController();
  const late = sleep(60_000, over.signal).then(() => {
    if (!over.signal.aborted) throw new assert.AssertionError({ message: "it is not ended" });
  });
  try {
    return await Promise.race([promise, late.then(() => new Promise(() => {}))]);
  } finally {
    over.abort();
  }
}

test("when its time is over", async () => {
  await using store = await Store.memory();
  await using own = openQueries(store);
  const asked = own.ask(ENDLESS, [], { timeoutMs: 300 });
  await soon(rejects("request-timeout", /within 300 ms/, asked));
  assert.deepEqual((await own.ask("select 1")).rows, [[1]]);
});

test("when nobody waits for it any more", async () => {
  await using store = await Store.memory();
  await using own = openQueries(store);
  const leaving = new AbortController();
  const gone = new Error("gone");
  const asked = own.ask(ENDLESS, [], { signal: leaving.signal });
  setTimeout(() => leaving.abort(gone), 300);
  await soon(assert.rejects(asked, gone));
  assert.deepEqual((await own.ask("select 1")).rows, [[1]]);
});
