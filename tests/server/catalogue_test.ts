import assert from "node:assert/strict";
import { test } from "node:test";
import { SeglogError, Store } from "../../mod.ts";
import { systemClock } from "../../core/base/clock.ts";
import { endOfTurn } from "../../core/base/turn.ts";
import { Credentials, CREDENTIALS_TOPIC } from "../../server/access/credentials.ts";
import { Catalogue } from "../../server/catalogue.ts";
import { CATALOGUE_LOOK_MS } from "../../server/limits.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { overriding } from "./support.ts";

const OPTIONS = {
  topic: "__seglog/things",
  parse: Number,
  clock: systemClock,
  notice: assert.fail,
};

/** Drops all that is garbage, tombstones too, and all that is left is sealed. */
async function compactWholly(store: Store, topic: string): Promise<void> {
  await store.configureTopic(topic, { tombstoneMs: 0 });
  await store.compact(topic);
}

test("what is kept is read also where compaction has taken the last records away", async () => {
  await using store = await Store.memory();
  const before = await Catalogue.open<number>(store, OPTIONS);
  await before.set("a", 1);
  await before.set("b", 2);
  await before.delete("b");
  await before.close();
  await compactWholly(store, OPTIONS.topic);
  const catalogue = await Catalogue.open<number>(store, OPTIONS);
  assert.deepEqual(catalogue.entries(), [["a", 1]]);
  await catalogue.set("c", 3);
  assert.equal(catalogue.get("c"), 3);
  await catalogue.close();
});

test("what cannot be read is refused for as long as that is so, and then all of it is there", async () => {
  await using store = await Store.memory();
  const other = await Catalogue.open<number>(store, OPTIONS);
  for (const key of ["a", "b", "c"]) await other.set(key, 1);
  let isBroken = false;
  const error = new SeglogError("io", "Cannot read: too many files are open");
  const backend = overriding(store, {
    async *batches(...args: Parameters<Store["batches"]>) {
      for await (const batch of store.batches(...args)) {
        if (isBroken) throw error;
        yield batch;
      }
    },
  });
  const clock = new FakeClock();
  const notices: string[] = [];
  const notice = (text: string) => void notices.push(text);
  const catalogue = await Catalogue.open<number>(backend, { ...OPTIONS, clock, notice });
  const told: string[] = [];
  catalogue.onChange((key) => void told.push(key));
  isBroken = true;
  await other.set("a", 2);
  while (notices.length === 0) await endOfTurn();
  assert.throws(() => catalogue.get("b"), error);
  await assert.rejects(catalogue.set("b", 3), error);
  clock.advance(CATALOGUE_LOOK_MS);
  while (clock.waiting === 0) await endOfTurn(); // it was in vain
  assert.throws(() => catalogue.entries(), error);
  await other.delete("b");
  await compactWholly(store, OPTIONS.topic);
  isBroken = false;
  clock.advance(CATALOGUE_LOOK_MS);
  while (notices.length === 1) await endOfTurn();
  assert.deepEqual(catalogue.entries(), [["a", 2], ["c", 1]]);
  assert.deepEqual(told.toSorted(), ["a", "b"]);
  await catalogue.set("d", 4);
  assert.equal(catalogue.get("d"), 4);
  assert.match(notices.join(), /too many files.*is read again/);
  await catalogue.close();
  await other.close();
});

test("credentials that are another's log by now let nobody in", async () => {
  await using store = await Store.memory();
  const clock = new FakeClock();
  const notices: string[] = [];
  const credentials = await Credentials.open(store, {
    clock,
    notice: (text) => void notices.push(text),
  });
  await credentials.make({ name: "ops", grants: "admin" });
  await store.deleteTopic(CREDENTIALS_TOPIC);
  while (notices.length === 0) await endOfTurn();
  for (const isThere of [false, true]) {
    if (isThere) await store.ensureTopic(CREDENTIALS_TOPIC);
    clock.advance(CATALOGUE_LOOK_MS);
    while (clock.waiting === 0) await endOfTurn();
    assert.throws(() => credentials.recognize({}), SeglogError);
  }
  await credentials.close();
});

test("where all was taken back and compacted, a server still lets nobody in", async () => {
  await using store = await Store.memory();
  const options = { clock: systemClock, notice: assert.fail };
  const before = await Credentials.open(store, options);
  await before.make({ name: "ops", grants: "admin" });
  await before.revoke("ops");
  await before.close();
  await compactWholly(store, CREDENTIALS_TOPIC);
  const credentials = await Credentials.open(store, options);
  assert.ok(credentials.areNeeded);
  assert.equal(credentials.recognize({}), undefined);
  await credentials.close();
});
