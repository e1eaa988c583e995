/** Copies of a store that were cut short are told from stores that have lost their catalogue. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backup, repair, restore, SeglogError, Store, verify } from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { TrickDisk } from "../support/trick_disk.ts";

async function filled(): Promise<TrickDisk> {
  const disk = new TrickDisk();
  await using store = await Store.open("/data", { disk });
  await store.append("t", [{ value: "a" }]);
  await store.append("u", [{ value: "b" }]);
  return disk;
}

test("a backup clears away what one before left, and nothing else", async () => {
  const disk = await filled();
  const { snapshot } = await backup("/data", "/b", { disk });
  disk.removeFile(`${snapshot.path}/store.json`); // lost: what it holds can still be saved
  disk.makeFolder("/b/20200101T000000.000Z");
  disk.create("/b/20200101T000000.000Z/mine").write(Uint8Array.of(1), 0);
  disk.onOperation = (operation, path) => {
    if (operation === "create" && path.endsWith(".log")) throw new Error("the machine is off");
  };
  disk.removeFolder = () => {}; // it is off, and tidies up nothing
  await assert.rejects(() => backup("/data", "/b", { disk }), /is off/);
  disk.onOperation = () => {};
  Reflect.deleteProperty(disk, "removeFolder");
  assert.equal(disk.list("/b")!.filter(({ isFolder }) => isFolder).length, 3);
  const next = await backup("/data", "/b", { disk });
  const left = disk.list("/b")!.filter(({ isFolder }) => isFolder).map(({ name }) => name);
  assert.deepEqual(left.toSorted(), [
    "20200101T000000.000Z",
    ...[snapshot.name, next.snapshot.name].toSorted(),
  ]);
  await repair(snapshot.path, { disk });
  assert.ok(verify(snapshot.path, { disk }).ok);
});

test("a backup takes the name of no folder that is there, whatever the clock says", async () => {
  const disk = await filled();
  const clock = new FakeClock();
  const { snapshot } = await backup("/data", "/b", { disk, clock });
  disk.removeFile(`${snapshot.path}/store.json`);
  const next = await backup("/data", "/b", { disk, clock });
  assert.notEqual(next.snapshot.name, snapshot.name);
  await repair(snapshot.path, { disk });
  assert.ok(verify(snapshot.path, { disk }).ok);
});

test("a restore that was cut short is no store, and cannot be repaired into one", async () => {
  const disk = await filled();
  await backup("/data", "/b", { disk });
  disk.onOperation = (operation, path) => {
    if (operation === "create" && path === "/target/u-0/00000000000000000000.log") {
      throw new SeglogError("disk-full", "full");
    }
  };
  await rejectsWith("disk-full", () => restore("/b", "/target", { disk }));
  disk.onOperation = () => {};
  for (const run of [() => Store.open("/target", { disk }), () => repair("/target", { disk })]) {
    const error = await rejectsWith("corrupt", run);
    assert.match(error.message, /a backup or a restore was cut short there.*Remove the folder/);
  }
  assert.equal(verify("/target", { disk }).ok, false);
});

test("a copy is not made within a store, where it would go with a topic", async () => {
  const disk = await filled();
  await backup("/data", "/b", { disk });
  for (const folder of ["/data/b", "/data/t-0/b", "/data/t-0/quarantine/b"]) {
    await rejectsWith("invalid-argument", () => backup("/data", folder, { disk }));
    await rejectsWith("invalid-argument", () => restore("/b", folder, { disk }));
  }
});
