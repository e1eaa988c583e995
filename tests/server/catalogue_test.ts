import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { systemClock } from "../../core/base/clock.ts";
import { Credentials, CREDENTIALS_TOPIC } from "../../server/access/credentials.ts";
import { Catalogue } from "../../server/catalogue.ts";

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
