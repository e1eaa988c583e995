/** Changes that a process did not finish, and that the next one builds upon. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecords, SeglogError, Store } from "../../mod.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { TrickDisk } from "../support/trick_disk.ts";

test("a new topic whose folder was never synced is durable before it is appended to", async () => {
  const disk = new TrickDisk();
  const before = await Store.open("/store", { disk });
  let isRenamed = false;
  disk.onOperation = (operation, path) => {
    if (operation === "rename" && path === "/store/store.json") isRenamed = true;
    if (isRenamed && operation === "syncFolder") throw new SeglogError("io", "EIO");
  };
  await rejectsWith("outcome-unknown", () => before.ensureTopic("t"));
  disk.onOperation = () => {};
  await before.close();
  const after = await Store.open("/store", { disk });
  await after.append("t", [{ value: "a" }]);
  disk.crash();
  const again = await Store.open("/store", { disk });
  assert.deepEqual(await shown(readRecords(again, "t")), ["0:a"]);
  await again.close();
});

test("a store's folder that was made and never synced is synced by who makes the store", async () => {
  const disk = new TrickDisk();
  disk.makeFolder("/");
  disk.onOperation = (operation, path) => {
    if (operation === "syncFolder" && path === "/") throw new SeglogError("io", "EIO");
  };
  await rejectsWith("io", () => Store.open("/store", { disk }));
  const synced: string[] = [];
  disk.onOperation = (operation, path) => {
    if (operation === "syncFolder") synced.push(path);
  };
  const store = await Store.open("/store", { disk });
  assert.ok(synced.includes("/"), synced.join());
  await store.close();
});

test("a topic that the disk kept from being made, or opened, can be when that is over", async () => {
  for (const failing of [1, 2, 3, 4, 5]) { // the last one is of opening it
    const disk = new TrickDisk();
    const store = await Store.open("/store", { disk });
    let syncs = 0;
    disk.onOperation = (operation, path) => {
      if (operation !== "syncFolder" || path !== "/store/t-0") return;
      if (++syncs === failing) throw new SeglogError("io", "EIO");
    };
    const append = () => store.append("t", [{ value: "a" }]);
    await rejectsWith("io", append); // and not as unknown: nothing was tried to be written
    assert.equal((await append()).start, 0);
    await store.close();
  }
});
