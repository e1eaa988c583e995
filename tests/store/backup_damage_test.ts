/** Damage in a store is backed up as it is, and told; damage in a snapshot is noticed by restore. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  backup,
  listSnapshots,
  MemoryDisk,
  restore,
  Store,
  verify,
  type VerifyProblem,
} from "../../mod.ts";
import { rejectsWith } from "../support/collect.ts";
import { bytesOf, contentOf } from "./rich_store.ts";

const LOG = "/data/t-0";
const SECOND = "00000000000000000002.log";
const ACTIVE = "00000000000000000008.log";

/** A closed store with four segments of two batches each, and one active segment with one. */
async function closedStore(disk: MemoryDisk): Promise<void> {
  const store = await Store.open("/data", { disk, defaults: { segmentBytes: 4096 } });
  for (let i = 0; i < 9; i++) await store.append("t", [{ value: `${i}`.repeat(1900) }]);
  await store.append("u", [{ value: "another" }]);
  await store.close();
}

function flip(disk: MemoryDisk, path: string, position: number): void {
  const file = disk.open(path, "write");
  const byte = new Uint8Array(1);
  file.read(byte, position);
  byte[0]! ^= 1;
  file.write(byte, position);
}

function cut(disk: MemoryDisk, path: string, size: number): void {
  disk.open(path, "write").truncate(size);
}

type Spoil = (disk: MemoryDisk, path: string) => void;

/** What is done to which file, and the offsets that it costs. */
const DAMAGES: [what: string, file: string, spoil: Spoil, start?: number, end?: number][] = [
  ["a flipped payload", SECOND, (disk, path) => flip(disk, path, 64 + 500), 2, 3],
  ["a flipped batch header", SECOND, (disk, path) => flip(disk, path, 64 + 20), 2, 3],
  ["a flipped segment header", SECOND, (disk, path) => flip(disk, path, 20), 2, 4],
  ["a cut segment", SECOND, (disk, path) => cut(disk, path, 3000), 3, 4],
  ["a segment cut between batches", SECOND, (disk, path) => cut(disk, path, 64 + 1976), 3, 4],
  ["an empty segment", SECOND, (disk, path) => cut(disk, path, 0), 2, 4],
  ["a missing segment", SECOND, (disk, path) => disk.removeFile(path), 2, 4],
  ["a flipped payload at the end", ACTIVE, (disk, path) => flip(disk, path, 64 + 500), 8, 9],
  ["a flipped header at the end", ACTIVE, (disk, path) => flip(disk, path, 64 + 20), 8, 9],
  ["a flipped last segment header", ACTIVE, (disk, path) => flip(disk, path, 20), 8, 9],
  ["a cut end", ACTIVE, (disk, path) => cut(disk, path, 100), 8, 9],
  ["a missing end", ACTIVE, (disk, path) => cut(disk, path, 64), 8, 9],
  ["a missing last segment", ACTIVE, (disk, path) => disk.removeFile(path), 8, 9],
  ["a flipped manifest", "partition.json", (disk, path) => flip(disk, path, 90)],
  ["an empty manifest", "partition.json", (disk, path) => cut(disk, path, 0)],
  ["a missing manifest", "partition.json", (disk, path) => disk.removeFile(path)],
];

describe("a damaged store", () => {
  for (const [what, file, spoil, start, end] of DAMAGES) {
    test(`with ${what} is backed up as it is, and that is told`, async () => {
      const disk = new MemoryDisk();
      await closedStore(disk);
      spoil(disk, join(LOG, file));
      const expected = [{ path: join(LOG, file), start, end }];
      const { ok, snapshot, problems } = await backup("/data", "/b", { disk });
      assert.equal(ok, false);
      assert.deepEqual(told({ problems }), expected);
      assert.deepEqual(logFiles(disk, join(snapshot.path, "t-0")), logFiles(disk, LOG));
      // The rest is whole, and verify finds the same in the snapshot as in the store.
      assert.equal(damages(verify("/data", { disk })).length, 1);
      assert.equal(damages(verify(snapshot.path, { disk })).length, 1);
      await using store = await Store.open(snapshot.path, { disk, readOnly: true });
      assert.equal((await store.bounds("u")).nextOffset, 1);
      assert.equal((await listSnapshots("/b", { disk })).length, 1);
      // It is told again each time, not hidden behind a link.
      const again = await backup("/data", "/b", { disk });
      assert.deepEqual(told(again), expected);
      // And a restore says that what it restored is damaged.
      const restored = await restore("/b", "/restored", { disk });
      assert.equal(restored.ok, false);
      assert.equal(damages(restored).length, 1);
      assert.deepEqual(logFiles(disk, "/restored/t-0"), logFiles(disk, LOG));
    });

    test(`a snapshot with ${what} is noticed by restore`, async () => {
      const disk = new MemoryDisk();
      await closedStore(disk);
      const { snapshot } = await backup("/data", "/b", { disk });
      spoil(disk, join(snapshot.path, "t-0", file));
      const { ok, problems } = await restore("/b", "/restored", { disk });
      assert.equal(ok, false);
      assert.ok(problems.some(({ path }) => path.startsWith("/restored/t-0")));
    });
  }

  test("that is put right is backed up whole again: damage is never linked", async () => {
    const disk = new MemoryDisk();
    await closedStore(disk);
    flip(disk, join(LOG, SECOND), 64 + 500);
    assert.equal((await backup("/data", "/b", { disk })).ok, false);
    flip(disk, join(LOG, SECOND), 64 + 500);
    const { ok, snapshot, linkedBytes } = await backup("/data", "/b", { disk });
    assert.equal(ok, true);
    assert.ok(linkedBytes > 0);
    assert.deepEqual(await contentOf(snapshot.path, disk), await contentOf("/data", disk));
    assert.equal((await restore("/b", "/restored", { disk })).ok, true);
  });

  test("gets back from the snapshot before what it has lost since", async () => {
    const disk = new MemoryDisk();
    await closedStore(disk);
    const content = await contentOf("/data", disk);
    await backup("/data", "/b", { disk });
    flip(disk, join(LOG, SECOND), 64 + 500);
    const { snapshot } = await backup("/data", "/b", { disk });
    assert.deepEqual(await contentOf(snapshot.path, disk), content);
  });

  test("without a catalogue to go by is not backed up", async () => {
    const disk = new MemoryDisk();
    await closedStore(disk);
    flip(disk, "/data/store.json", 90);
    await rejectsWith("corrupt", () => backup("/data", "/b", { disk }));
    disk.removeFile("/data/store.json");
    await rejectsWith("corrupt", () => backup("/data", "/b", { disk }));
    assert.equal(disk.list("/b"), undefined);
  });

  test("of a later version is not backed up, and says so", async () => {
    const disk = new MemoryDisk();
    await closedStore(disk);
    const path = join(LOG, "partition.json");
    const text = new TextDecoder().decode(bytesOf(disk, path));
    const file = disk.open(path, "write");
    file.write(new TextEncoder().encode(text.replace('"version":1', '"version":2')), 0);
    await rejectsWith("unsupported", () => backup("/data", "/b", { disk }));
    assert.deepEqual(await listSnapshots("/b", { disk }), []);
  });
});

function damages({ problems }: { problems: readonly VerifyProblem[] }): readonly VerifyProblem[] {
  return problems.filter(({ severity }) => severity === "damage");
}

function told(report: { problems: readonly VerifyProblem[] }) {
  return damages(report).map(({ path, start, end }) => ({ path, start, end }));
}

/** Segments and manifest of a log, by name. */
function logFiles(disk: MemoryDisk, folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name } of disk.list(folder)!) {
    if (!name.endsWith(".index")) files[name] = bytesOf(disk, join(folder, name)).join();
  }
  return files;
}
