import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../support/random.ts";
import { liveAndCrash } from "./crash_campaign.ts";
import { CrashModel } from "./crash_images.ts";
import { live, type Lived } from "./life.ts";
import { EMPTY_IMAGE, RecordingDisk } from "./recording_disk.ts";

test("a crash after any operation loses nothing that was acknowledged, and opens again", async (t) => {
  const counts = { lives: 0, crashes: 0, images: 0 };
  for (let seed = 1; seed <= 4; seed++) {
    await liveAndCrash(seed, { steps: 25, images: 8, generations: 1 }, counts);
  }
  t.diagnostic(`${counts.images} images of ${counts.crashes} crashes`);
});

test("so does one in a life that began with a crash, and in its recovery", async (t) => {
  const counts = { lives: 0, crashes: 0, images: 0 };
  for (let seed = 11; seed <= 14; seed++) {
    await liveAndCrash(seed, { steps: 10, images: 5, generations: 3 }, counts);
  }
  t.diagnostic(`${counts.images} images of ${counts.crashes} crashes`);
});

test("so does one at any step of a compaction", async (t) => {
  const counts = { lives: 0, crashes: 0, images: 0 };
  for (let seed = 21; seed <= 24; seed++) {
    const effort = { steps: 30, images: 6, generations: 2, isCompacting: true };
    await liveAndCrash(seed, effort, counts);
  }
  t.diagnostic(`${counts.images} images of ${counts.crashes} crashes`);
});

test("the same seed lives the same life", async () => {
  const kinds = ({ disk }: Lived) => disk.operations.map(({ kind }) => kind);
  assert.deepEqual(kinds(await live(3, { steps: 20 })), kinds(await live(3, { steps: 20 })));
});

describe("an image of a crash", () => {
  const file = (text: string, bytes: Uint8Array | undefined) =>
    assert.equal(bytes === undefined ? "none" : new TextDecoder().decode(bytes), text);

  /** Every image after all that `act` does to a disk: the content of /d/a, or "none". */
  async function contents(act: (disk: RecordingDisk) => Promise<void>): Promise<string[]> {
    const disk = new RecordingDisk(EMPTY_IMAGE);
    await act(disk);
    const model = new CrashModel(EMPTY_IMAGE);
    for (const operation of disk.operations) model.advance(operation);
    const found = new Set<string>();
    for (const { files } of model.images(new Random(1), 1000)) {
      const bytes = files.get("/d/a");
      found.add(bytes === undefined ? "none" : new TextDecoder().decode(bytes));
    }
    return [...found].toSorted();
  }

  async function made(disk: RecordingDisk, path = "/d/a") {
    if (disk.list("/d") === undefined) {
      disk.makeFolder("/d");
      await disk.syncFolder("/");
    }
    const handle = disk.create(path);
    handle.write(new TextEncoder().encode("old"), 0);
    await handle.sync();
    await disk.syncFolder("/d");
    return handle;
  }

  test("has what was synced, in a folder that was synced", async () => {
    assert.deepEqual(await contents(async (disk) => void await made(disk)), ["old"]);
  });

  test("may lack a file, or have it empty, when its folder was not synced", async () => {
    const found = await contents((disk) => {
      disk.makeFolder("/d");
      disk.create("/d/a");
      return disk.syncFolder("/");
    });
    assert.deepEqual(found, ["", "none"]);
  });

  test("has a renamed file under the one name or the other", async () => {
    const found = await contents(async (disk) => {
      await made(disk);
      (await made(disk, "/d/b")).write(new TextEncoder().encode("new"), 0);
      disk.rename("/d/b", "/d/a");
    });
    assert.ok(found.includes("old") && found.includes("new"));
    assert.ok(!found.includes("none"));
  });

  test("has the length of a write without its bytes, and its bytes without the ones before", async () => {
    const found = await contents(async (disk) => {
      const handle = await made(disk);
      handle.write(new TextEncoder().encode("new"), 3);
      handle.write(new TextEncoder().encode("er"), 6);
    });
    for (const text of ["old", "oldnew", "oldnewer", "old\0\0\0er", "old\0\0\0"]) {
      assert.ok(found.includes(text), JSON.stringify(text));
    }
  });

  test("may have a file that was removed, until its folder is synced", async () => {
    const remove = async (disk: RecordingDisk) => {
      await made(disk);
      disk.removeFile("/d/a");
    };
    assert.deepEqual(await contents(remove), ["none", "old"]);
    const synced = async (disk: RecordingDisk) => {
      await remove(disk);
      await disk.syncFolder("/d");
    };
    assert.deepEqual(await contents(synced), ["none"]);
  });

  test("has nothing of what a sync that did not return would have covered for sure", async () => {
    const disk = new RecordingDisk(EMPTY_IMAGE);
    const handle = await made(disk);
    handle.write(new TextEncoder().encode("new"), 3);
    const syncing = handle.sync();
    handle.write(new TextEncoder().encode("er"), 6);
    await syncing;
    const model = new CrashModel(EMPTY_IMAGE);
    for (const operation of disk.operations) model.advance(operation);
    const lost = [...model.images(new Random(1), 100)].find(({ isWhole }) => !isWhole)!;
    file("oldnew", lost.files.get("/d/a"));
  });
});
