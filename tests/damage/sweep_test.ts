/** Every bit of a small store flipped, and every file of it cut to every length, one at a time. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { test } from "node:test";
import { LOCK_FILE, MANIFEST_FILE } from "../../core/format/file_names.ts";
import { examine, orRefusal, readAround, type Verdict } from "./examine.ts";
import { type Files, MapDisk } from "./map_disk.ts";
import { type SmallStore, smallStore, STORE } from "./small_store.ts";
import { Log, Store } from "../../mod.ts";

for (const isClosed of [true, false]) {
  const state = isClosed ? "closed well" : "left by a crash";

  test(`a store ${state}: every flipped bit is detected, harmless, or in a hint`, async (context) => {
    const store = await smallStore({ isClosed });
    const counts: Counts = {};
    for (const [path, bytes] of store.files) {
      for (let bit = 0; bit < 8 * bytes.length; bit++) {
        const flipped = bytes.slice();
        flipped[bit >>> 3]! ^= 1 << (bit & 7);
        await examineCase(store, path, { bytes: flipped, isCut: false, counts }, `bit ${bit}`);
      }
    }
    context.diagnostic(JSON.stringify(counts));
    checkCounts(counts, store, 8);
  });

  test(`a store ${state}: every cut of a file is detected, harmless, or in a hint`, async (context) => {
    const store = await smallStore({ isClosed });
    const counts: Counts = {};
    for (const [path, bytes] of store.files) {
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length);
        await examineCase(store, path, { bytes: cut, isCut: true, counts }, `cut to ${length}`);
      }
    }
    context.diagnostic(JSON.stringify(counts));
    checkCounts(counts, store, 1);
  });
}

/** How many cases came to what, by the kind of file. */
type Counts = Record<string, Partial<Record<Verdict, number>>>;

async function examineCase(
  store: SmallStore,
  path: string,
  damage: { bytes: Uint8Array; isCut: boolean; counts: Counts },
  name: string,
): Promise<void> {
  const { bytes, isCut, counts } = damage;
  const files = new Map(store.files).set(path, bytes);
  try {
    const verdict = dirname(path) === STORE
      ? await examineCatalogue(files, store)
      : await examineInLog(files, path, { store, isCut });
    const count = counts[kindOf(store, path)] ??= {};
    count[verdict] = (count[verdict] ?? 0) + 1;
  } catch (cause) {
    throw new Error(`${path}, ${name}`, { cause });
  }
}

function examineInLog(
  files: Files,
  path: string,
  { store, isCut }: { store: SmallStore; isCut: boolean },
): Promise<Verdict> {
  const folder = dirname(path);
  const truth = store.logs.get(folder)!;
  const mayVanish = !store.isClosed && path === truth.activePath;
  return examine(files, folder, truth, { changed: [path], mayVanish, isCut });
}

/** A store whose catalogue is damaged is refused whole, or all of it is as before. */
async function examineCatalogue(files: Files, store: SmallStore): Promise<Verdict> {
  const disk = new MapDisk(files);
  const opened = await orRefusal(() => Store.open(STORE, { disk }));
  if (opened === undefined) {
    assert.ok(disk.isUnchanged, "a refusal changes nothing");
    return "refused";
  }
  await opened.close();
  for (const [folder, truth] of store.logs) {
    await using log = await Log.open(folder, { disk, readOnly: true });
    const { lost } = await readAround(log, truth, { mayVanish: false });
    assert.equal(lost.size, 0);
  }
  return "harmless";
}

function kindOf(store: SmallStore, path: string): string {
  if (path.endsWith(".json")) return path.endsWith(MANIFEST_FILE) ? "manifest" : "catalogue";
  if (path.endsWith(".index")) return "index";
  if (path.endsWith(LOCK_FILE)) return "lock";
  return store.logs.get(dirname(path))!.activePath === path ? "active segment" : "sealed segment";
}

/** All cases ran, and each kind of file came to what it should. */
function checkCounts(counts: Counts, store: SmallStore, casesPerByte: number): void {
  const bytes = [...store.files.values()].reduce((sum, { length }) => sum + length, 0);
  const cases = Object.values(counts).flatMap((count) => Object.values(count));
  assert.equal(cases.reduce((sum, count) => sum + count, 0), casesPerByte * bytes);
  assert.deepEqual(Object.keys(counts.index!), ["rebuilt hint"]);
  assert.ok(counts["sealed segment"]!.told! > 0);
  assert.equal(counts["sealed segment"]!["torn tail"], undefined);
  assert.equal(counts["active segment"]!["torn tail"] === undefined, store.isClosed);
}
