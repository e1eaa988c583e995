import assert from "node:assert/strict";
import { test } from "node:test";
import { SeglogError } from "../../mod.ts";
import { Absence } from "../../core/base/absence.ts";

const AWAY = new SeglogError("unavailable", "Cannot reach it");

test("whoever asks meanwhile is told that it is unavailable, whatever the reason", async () => {
  for (
    const why of [AWAY, new SeglogError("unauthenticated", "It wants a token"), new Error("x")]
  ) {
    const absence = new Absence(why, { reach: () => Promise.reject(why) });
    assert.throws(() => absence.check(), (error) => {
      assert.ok(error instanceof SeglogError);
      assert.deepEqual([error.code, error.message], ["unavailable", why.message]);
      return error === AWAY || error.cause === why;
    });
    await absence.close();
  }
});

test("a listener that throws keeps nobody from being asked, and is told each thing once", async () => {
  const told: string[] = [];
  const isThere = Promise.withResolvers<void>();
  let asked = 0;
  const absence = new Absence(AWAY, {
    reach() {
      if (++asked < 3) return Promise.reject(new Error(`Cannot do it (${asked})`));
      isThere.resolve();
      return Promise.resolve("it answers");
    },
    onNotice(notice) {
      told.push(notice);
      throw new Error("of the listener");
    },
  });
  await isThere.promise;
  await absence.close();
  assert.equal(absence.isOn, false);
  assert.equal(asked, 3);
  assert.deepEqual(told, [
    "Cannot do it (1); trying again",
    "Cannot do it (2); trying again",
    "it answers",
  ]);
});
