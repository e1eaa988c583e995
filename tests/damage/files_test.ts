/** Whole files and sectors that are not what they should be, each by its name. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { Log, MemoryDisk, Store, verify } from "../../mod.ts";
import { SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";
import { examine, orRefusal, type Verdict } from "./examine.ts";
import { type Files, MapDisk } from "./map_disk.ts";
import {
  filesOf,
  type LogTruth,
  type SmallStore,
  smallStore,
  STORE,
  truthOf,
} from "./small_store.ts";

const ORDERS = join(STORE, "orders-0");
const EVENTS = join(STORE, "events-0");
const SECTOR_BYTES = 512;

const segment = (folder: string, baseOffset: number) =>
  join(folder, `${String(baseOffset).padStart(20, "0")}.log`);
/** The segments of `orders`, which begin at offsets 0, 3 and 5. */
const FIRST = segment(ORDERS, 0);
const MIDDLE = segment(ORDERS, 3);
const ACTIVE = segment(ORDERS, 5);

/** What comes of `orders` when some of its files are others; `undefined` takes one away. */
async function verdictOf(
  store: SmallStore,
  changes: Readonly<Record<string, Uint8Array | undefined>>,
): Promise<Verdict> {
  const files = new Map(store.files);
  for (const [path, bytes] of Object.entries(changes)) {
    if (bytes === undefined) files.delete(path);
    else files.set(path, bytes);
  }
  const mayVanish = !store.isClosed && Object.hasOwn(changes, ACTIVE);
  const changed = Object.keys(changes).filter((path) => files.has(path));
  const allowed = { changed, mayVanish, isCut: false };
  return await examine(files, ORDERS, store.logs.get(ORDERS)!, allowed);
}

/** The offsets that `verify` names as lost. */
function lostIn(files: Files, folder: string): number[] {
  return verify(folder, { disk: new MapDisk(files) }).problems.flatMap(({ start = 0, end = 0 }) =>
    Array.from({ length: end - start }, (_, i) => start + i)
  );
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

describe("segments that are not the ones that should be there", () => {
  for (const isClosed of [true, false]) {
    const state = isClosed ? "closed well" : "left by a crash";

    test(`two that are swapped are not taken for each other (${state})`, async () => {
      const store = await smallStore({ isClosed });
      const [a, b] = [store.files.get(FIRST)!, store.files.get(MIDDLE)!];
      assert.equal(await verdictOf(store, { [FIRST]: b, [MIDDLE]: a }), "told");
    });

    test(`a missing sealed one takes its offsets and no others (${state})`, async () => {
      const store = await smallStore({ isClosed });
      for (const path of [FIRST, MIDDLE]) {
        assert.equal(await verdictOf(store, { [path]: undefined }), "told");
      }
    });

    test(`one copied over another is not taken for it (${state})`, async () => {
      const store = await smallStore({ isClosed });
      for (const [from, to] of [[FIRST, MIDDLE], [MIDDLE, FIRST], [ACTIVE, FIRST]] as const) {
        assert.equal(await verdictOf(store, { [to]: store.files.get(from)! }), "told");
      }
    });

    test(`a copy under a name that no manifest lists is not read (${state})`, async () => {
      const store = await smallStore({ isClosed });
      for (const base of [1, 4, 6, 100]) {
        const copy = { [segment(ORDERS, base)]: store.files.get(FIRST)! };
        assert.equal(await verdictOf(store, copy), "harmless");
      }
    });

    test(`one of another topic is not taken for ours (${state})`, async () => {
      const store = await smallStore({ isClosed });
      const foreign = store.files.get(segment(EVENTS, 0))!;
      assert.equal(await verdictOf(store, { [FIRST]: foreign }), "told");
      const index = store.files.get(segment(EVENTS, 0).replace(".log", ".index"))!;
      const ours = FIRST.replace(".log", ".index");
      assert.equal(await verdictOf(store, { [ours]: index }), "rebuilt hint");
    });

    test(`a sealed one that is longer than it was is read as far as it was (${state})`, async () => {
      const store = await smallStore({ isClosed });
      const whole = store.files.get(FIRST)!;
      for (const more of [new Uint8Array(1), new Uint8Array(5000), whole.subarray(64)]) {
        assert.equal(await verdictOf(store, { [FIRST]: joined(whole, more) }), "harmless");
        const files = new Map(store.files).set(FIRST, joined(whole, more));
        const report = verify(ORDERS, { disk: new MapDisk(files) });
        assert.match(report.problems[0]!.message, /bytes at its end do not belong to it/);
      }
    });
  }

  test("a missing active one of a log closed well takes its offsets and no others", async () => {
    const store = await smallStore({ isClosed: true });
    assert.equal(await verdictOf(store, { [ACTIVE]: undefined }), "told");
    const foreign = store.files.get(segment(EVENTS, 3))!;
    assert.equal(await verdictOf(store, { [ACTIVE]: foreign }), "told");
  });

  test("a missing active one after a crash is refused: where the log ended is not known", async () => {
    const store = await smallStore({ isClosed: false });
    assert.equal(await verdictOf(store, { [ACTIVE]: undefined }), "refused");
    assert.equal(await verdictOf(store, { [ACTIVE]: store.files.get(FIRST)! }), "refused");
  });

  test("a missing manifest or catalogue beside data is refused, and nothing is changed", async () => {
    const store = await smallStore({ isClosed: true });
    assert.equal(
      await verdictOf(store, { [join(ORDERS, "partition.json")]: undefined }),
      "refused",
    );
    const files = new Map(store.files);
    files.delete(join(STORE, "store.json"));
    const disk = new MapDisk(files);
    assert.equal(await orRefusal(() => Store.open(STORE, { disk })), undefined);
    assert.ok(disk.isUnchanged);
    const report = verify(STORE, { disk });
    assert.equal(report.ok, false);
    assert.equal(report.partitions.length, 2, "what looks like a log is verified all the same");
  });
});

describe("tails", () => {
  const random = new Random(1);
  const tails = [
    new Uint8Array(1),
    new Uint8Array(7),
    new Uint8Array(5000),
    random.bytes(64),
    random.bytes(3000),
  ];

  for (const isClosed of [true, false]) {
    test(
      `zeros and garbage behind the active segment are cut off with a report (${
        isClosed ? "closed well" : "left by a crash"
      })`,
      async () => {
        const store = await smallStore({ isClosed });
        const whole = store.files.get(ACTIVE)!;
        for (const tail of tails) {
          const files = new Map(store.files).set(ACTIVE, joined(whole, tail));
          const disk = new MapDisk(files);
          assert.match(verify(ORDERS, { disk }).problems.at(-1)!.message, /a torn tail/);
          assert.equal(await verdictOf(store, { [ACTIVE]: joined(whole, tail) }), "harmless");
          await using log = await Log.open(ORDERS, { disk });
          assert.equal(log.recovery.tornBytes, tail.length);
        }
      },
    );
  }

  test("a tail of the active segment that became zeros or garbage is damage, or torn", async () => {
    for (const isClosed of [true, false]) {
      const store = await smallStore({ isClosed });
      const whole = store.files.get(ACTIVE)!;
      for (const garble of [() => 0, () => random.below(256)]) {
        for (let from = 64; from < whole.length; from += 8) {
          const bytes = whole.slice();
          for (let at = from; at < bytes.length; at++) bytes[at] = garble();
          const verdict = await verdictOf(store, { [ACTIVE]: bytes });
          assert.equal(verdict, isClosed ? "told" : "torn tail", `from ${from}`);
        }
      }
    }
  });
});

describe("sectors", () => {
  for (const isClosed of [true, false]) {
    const state = isClosed ? "closed well" : "left by a crash";

    test(`a sealed segment with a zeroed sector loses what lay there (${state})`, async () => {
      const { files, truth, segments } = await manySectors({ isClosed });
      const path = segments[1]!;
      const whole = files.get(path)!;
      for (let at = 0; at < whole.length; at += SECTOR_BYTES) {
        const bytes = whole.slice();
        bytes.fill(0, at, at + SECTOR_BYTES);
        const damaged = new Map(files).set(path, bytes);
        const allowed = { changed: [path], mayVanish: false, isCut: false };
        assert.equal(await examine(damaged, "/log", truth, allowed), "told", `sector at ${at}`);
        // A sector has at most seven of the batches of 96 bytes; only the first has the header.
        const lost = lostIn(damaged, "/log");
        if (at > 0) assert.ok(lost.length > 0 && lost.length <= 7, lost.join());
        else assert.deepEqual(lost, Array.from({ length: 20 }, (_, i) => 20 + i));
        assert.deepEqual(lost, lost.map((_, i) => lost[0]! + i), "no others between");
      }
    });

    test(`an active segment with a zeroed sector gives all before and behind it (${state})`, async () => {
      const { files, truth, segments } = await manySectors({ isClosed });
      const path = segments[2]!;
      const whole = files.get(path)!;
      for (let at = 0; at < whole.length; at += SECTOR_BYTES) {
        const bytes = whole.slice();
        bytes.fill(0, at, at + SECTOR_BYTES);
        const damaged = new Map(files).set(path, bytes);
        const end = SEGMENT_HEADER_BYTES + 20 * 96; // space that was taken ahead is behind it
        const isLast = at + SECTOR_BYTES >= end;
        const allowed = { changed: [path], mayVanish: !isClosed && isLast, isCut: false };
        const verdict = await examine(damaged, "/log", truth, allowed);
        if (isClosed || (at > 0 && !isLast)) assert.equal(verdict, "told", `sector at ${at}`);
        else {
          const expected = at === 0 ? "refused" : at < end ? "torn tail" : "harmless";
          assert.equal(verdict, expected, `sector at ${at}`);
        }
      }
    });
  }
});

/** A log of three segments with some sectors each, of batches of 96 bytes. */
async function manySectors(
  { isClosed }: { isClosed: boolean },
): Promise<{ files: Files; truth: LogTruth; segments: string[] }> {
  const disk = new MemoryDisk();
  const clock = new FakeClock();
  const log = await Log.open("/log", { disk, clock, segmentAgeMs: 1000 });
  for (let i = 0; i < 60; i++) {
    if (i > 0 && i % 20 === 0) clock.advance(1000);
    await log.append({ value: `record ${String(i).padStart(8, "0")}.` });
  }
  const killed = filesOf(disk, "/log");
  await log.close();
  const truth = await truthOf(disk, "/log");
  const files = isClosed ? filesOf(disk, "/log") : killed;
  const segments = [...files.keys()].filter((path) => path.endsWith(".log")).toSorted();
  assert.deepEqual(segments.map(dirname), ["/log", "/log", "/log"]);
  return { files, truth, segments };
}
