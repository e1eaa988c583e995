/** Files whose checksums are right and whose contents are not: nothing is lost to them in silence. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Log, type MemoryDisk, verify } from "../../mod.ts";
import { concatBytes, encodeUtf8 } from "../../core/base/bytes.ts";
import { encodeChecked } from "../../core/base/checked_document.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { decodeBatch, rehead } from "../../core/format/batch.ts";
import { encodeBatch } from "../../core/format/batch_builder.ts";
import { EPOCH_MAX } from "../../core/format/batch_header.ts";
import { indexFileName, segmentFileName } from "../../core/format/file_names.ts";
import { encodeSegmentHeader } from "../../core/format/segment_header.ts";
import { decodeManifest, type Manifest } from "../../core/log/manifest.ts";
import { SparseIndex } from "../../core/log/sparse_index.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import { diskOf, filesIn } from "../support/disk_of.ts";

const FOLDER = "/log";
const MANIFEST = `${FOLDER}/partition.json`;
const LOG_ID = "00112233445566778899aabbccddeeff";
const SALT = 7;

/** Three sealed segments of four records in two batches, and an active one; all closed well. */
async function closedLog(): Promise<Record<string, Uint8Array>> {
  const disk = await diskOf({});
  const log = await Log.open(FOLDER, { disk, segmentBytes: 4096 });
  for (let i = 0; i < 14; i += 2) {
    await log.appendAll([i, i + 1].map((n) => ({ value: String(n).padEnd(900, ".") })));
  }
  assert.equal(log.segmentCount, 4);
  await log.close();
  return filesIn(disk, FOLDER);
}

function withManifest(
  files: Record<string, Uint8Array>,
  change: (manifest: Manifest) => unknown,
): Record<string, Uint8Array> {
  const body = change(decodeManifest(files[MANIFEST]!, FOLDER));
  return { ...files, [MANIFEST]: encodeChecked("partition", body) };
}

const numbers = async (log: Log) => (await shown(log.records())).map((text) => text.split(":")[0]);

describe("a manifest with the right checksum", () => {
  const lies: Record<string, (manifest: Manifest) => unknown> = {
    "is a number": () => 5,
    "is null": () => null,
    "has no segments": ({ sealed: _, ...rest }) => rest,
    "has no id": (manifest) => ({ ...manifest, logId: "x" }),
    "starts at a fraction": (manifest) => ({ ...manifest, logStartOffset: 0.5 }),
    "starts below 0": (manifest) => ({ ...manifest, logStartOffset: -1 }),
    "starts behind its end": (manifest) => ({ ...manifest, logStartOffset: 15 }),
    "has an epoch that no batch can have": (manifest) => ({ ...manifest, epoch: 2 ** 32 }),
    "has its segments in another order": (manifest) => ({
      ...manifest,
      sealed: manifest.sealed.toReversed(),
    }),
    "has a segment twice": (manifest) => ({
      ...manifest,
      sealed: [manifest.sealed[0], ...manifest.sealed],
    }),
    "has a segment of no bytes": (manifest) => ({
      ...manifest,
      sealed: manifest.sealed.map((entry) => ({ ...entry, bytes: 0 })),
    }),
    "has a gap over records to come": (manifest) => ({
      ...manifest,
      gaps: [{ start: 14, end: 1000 }],
    }),
    "has gaps in another order": (manifest) => ({
      ...manifest,
      gaps: [{ start: 5, end: 6 }, { start: 2, end: 3 }],
    }),
    "has a producer without a history": (manifest) => ({
      ...manifest,
      producers: [{ id: "p", epoch: 1, recent: [] }],
    }),
    "was closed before it began": (manifest) => ({
      ...manifest,
      clean: { ...manifest.clean!, nextOffset: 3 },
    }),
  };
  for (const [name, lie] of Object.entries(lies)) {
    test(`that ${name} is refused, and nothing is changed`, async () => {
      const files = withManifest(await closedLog(), lie);
      const disk = await diskOf(files);
      await rejectsWith("corrupt", () => Log.open(FOLDER, { disk, readOnly: true }));
      await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
      assert.deepEqual(withoutLock(filesIn(disk, FOLDER)), withoutLock(files));
      assert.equal(verify(FOLDER, { disk }).ok, false);
    });
  }

  test("and members of a later version is believed", async () => {
    const files = withManifest(await closedLog(), (manifest) => ({ ...manifest, later: [1] }));
    await using log = await Log.open(FOLDER, { disk: await diskOf(files) });
    assert.equal(log.nextOffset, 14);
  });

  test("over text that is no JSON, or nested too deep for it, is refused", async () => {
    const deep = 200_000;
    for (const body of ["", "{", "undefined", "[".repeat(deep), '{"a":'.repeat(deep)]) {
      const crc = crc32(encodeUtf8(body)).toString(16).padStart(8, "0");
      const text = `{"seglog":"partition","version":1,"crc32":"${crc}","body":${body}}\n`;
      const disk = await diskOf({ [MANIFEST]: encodeUtf8(text) });
      await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
    }
  });

  test("older than its segments does not make epochs fall", async () => {
    const files = await closedLog();
    const disk = await diskOf(files);
    for (let i = 0; i < 3; i++) {
      await using log = await Log.open(FOLDER, { disk });
      await log.append({ value: "later" });
    }
    // As after restoring the file from a copy: its end is not the log's any more.
    await replace(
      disk,
      MANIFEST,
      withManifest(files, (old) => ({ ...old, clean: null }))[MANIFEST]!,
    );
    const log = await Log.open(FOLDER, { disk });
    assert.equal(await log.append({ value: "acknowledged" }), 17);
    disk.crash();
    await using again = await Log.open(FOLDER, { disk });
    assert.equal(again.recovery.tornBytes, 0);
    assert.equal((await again.read(17)).text, "acknowledged");
  });

  test("of the last epoch there is can be read, and not be opened for writing", async () => {
    const files = withManifest(await closedLog(), (old) => ({ ...old, epoch: EPOCH_MAX }));
    const disk = await diskOf(files);
    await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
    await using log = await Log.open(FOLDER, { disk, readOnly: true });
    assert.equal(log.nextOffset, 14);
  });

  test("that was closed at another offset than its segment is refused, and read as far as it goes", async () => {
    const files = withManifest(await closedLog(), (manifest) => ({
      ...manifest,
      clean: { ...manifest.clean!, nextOffset: 1000 },
    }));
    const disk = await diskOf(files);
    await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
    await using log = await Log.open(FOLDER, { disk, readOnly: true });
    const seen: number[] = [];
    const error = await rejectsWith("corrupt", async () => {
      for await (const { offset } of log.records()) seen.push(offset);
    });
    assert.deepEqual(seen, Array.from({ length: 14 }, (_, i) => i));
    assert.deepEqual([error.details.start, error.details.end], [14, 1000]);
  });

  test("whose segments do not join is refused", async () => {
    const files = withManifest(await closedLog(), (manifest) => ({
      ...manifest,
      sealed: manifest.sealed.toSpliced(1, 1),
    }));
    const disk = await diskOf(files);
    const error = await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
    assert.match(error.message, /do not join/);
  });

  test("that starts behind the last record is refused", async () => {
    const files = withManifest(await closedLog(), (manifest) => ({
      ...manifest,
      clean: null,
      logStartOffset: 20,
    }));
    const disk = await diskOf(files);
    await rejectsWith("corrupt", () => Log.open(FOLDER, { disk }));
  });

  test("and a gap that ends within a batch hides the records in it, and no others", async () => {
    const files = withManifest(
      await closedLog(),
      (old) => ({ ...old, gaps: [{ start: 5, end: 7 }] }),
    );
    await using log = await Log.open(FOLDER, { disk: await diskOf(files) });
    const expected = Array.from({ length: 14 }, (_, i) => `${i}`).toSpliced(5, 2);
    assert.deepEqual(await numbers(log), expected);
  });
});

describe("an index with the right checksum", () => {
  const lies: Record<string, (entry: { offset: number; position: number }) => typeof entry> = {
    "points beside its batches": ({ offset, position }) => ({ offset, position: position + 8 }),
    "points behind its segment": ({ offset, position }) => ({
      offset,
      position: position + 2 ** 30,
    }),
    "names other offsets": ({ offset, position }) => ({
      offset: Math.max(0, offset - 2),
      position,
    }),
    "points to later batches": ({ offset, position }) => ({ offset, position: position + 3800 }),
  };
  for (const [name, lie] of Object.entries(lies)) {
    for (const isSealed of [true, false]) {
      const what = isSealed ? "a sealed segment" : "an active segment";
      test(`that ${name} makes no record of ${what} unreadable`, async () => {
        const { files, count } = longSegment(lie, isSealed);
        for (let offset = 0; offset < count; offset++) {
          await using log = await Log.open(FOLDER, { disk: await diskOf(files) });
          assert.equal((await log.read(offset)).text.split(".")[0], String(offset));
        }
        await using log = await Log.open(FOLDER, { disk: await diskOf(files), readOnly: true });
        const reversed = await collect(log.records({ reverse: true }));
        assert.equal(reversed.length, count);
        assert.equal(log.offsetAt(1000 + count - 1), count - 1);
        assert.equal((await collect(log.records())).length, count);
      });
    }
  }
});

test("a batch that repeats offsets holds nothing: it makes no more records, and takes none", async () => {
  const batch = encodeBatch([{ value: "a" }, { value: "b" }], { nowMs: 1 });
  const next = encodeBatch([{ value: "c" }], { nowMs: 1, baseOffset: 2 });
  const disk = await diskOf(sealedFiles([batch, batch, next], 3));
  const [problem] = verify(FOLDER, { disk }).problems;
  assert.match(problem!.message, /offsets 0 to 1 is where 2 was expected; no record is lost/);
  await using log = await Log.open(FOLDER, { disk });
  assert.deepEqual((await collect(log.records())).map(({ text }) => text), ["a", "b", "c"]);
  const reversed = await collect(log.records({ reverse: true }));
  assert.deepEqual(reversed.map(({ offset }) => offset), [2, 1, 0]);
});

test("a batch with offsets of the next segment is an error, not more records", async () => {
  const batch = encodeBatch([{ value: "a" }, { value: "b" }, { value: "c" }], { nowMs: 1 });
  await using log = await Log.open(FOLDER, { disk: await diskOf(sealedFiles([batch], 2)) });
  await rejectsWith("corrupt", () => collect(log.records()));
});

test("offsets end: an append that would go past the last is refused, and stores nothing", async () => {
  const base = Number.MAX_SAFE_INTEGER - 2;
  const files = sealedFiles([], base);
  const disk = await diskOf(files);
  const log = await Log.open(FOLDER, { disk });
  await rejectsWith("too-large", () => log.appendAll([1, 2, 3].map((n) => ({ value: `${n}` }))));
  const batch = decodeBatch(
    encodeBatch([1, 2, 3].map((n) => ({ value: `${n}` })), { nowMs: 1 }),
    0,
    0,
  );
  await rejectsWith("too-large", () => log.appendBatch(batch as Exclude<typeof batch, string>));
  assert.deepEqual(await log.appendAll([{ value: "a" }, { value: "b" }]), {
    start: base,
    end: Number.MAX_SAFE_INTEGER,
  });
  await rejectsWith("too-large", () => log.append({ value: "c" }));
  disk.crash();
  await using again = await Log.open(FOLDER, { disk });
  assert.deepEqual((await collect(again.records())).map(({ text }) => text), ["a", "b"]);
});

/** A log whose active segment has these records, and whose index has other entries than it should. */
function longSegment(
  lie: (entry: { offset: number; position: number }) => typeof entry,
  isSealed: boolean,
) {
  const count = 40;
  const batches = Array.from({ length: count }, (_, i) => {
    const record = { value: String(i).padEnd(900, "."), timestamp: 1000 + i };
    return encodeBatch([record], { nowMs: 0, baseOffset: i });
  });
  const segment = segmentOf(batches, 0);
  const index = new SparseIndex(0);
  let position = 64;
  for (const bytes of batches) {
    const batch = decodeBatch(bytes, 0, 0);
    assert.ok(typeof batch !== "string");
    const entry = { offset: batch.baseOffset, position };
    const told = position === 64 ? entry : lie(entry);
    index.add({ ...batch.header, baseOffset: told.offset }, told.position);
    position += bytes.length;
  }
  const binding = { salt: SALT, baseOffset: 0, segmentBytes: segment.length };
  const files = isSealed ? sealedFiles(batches, count) : {
    [`${FOLDER}/${segmentFileName({ baseOffset: 0 })}`]: segment,
    [MANIFEST]: encodeChecked("partition", {
      ...EMPTY,
      clean: { nextOffset: count, bytes: segment.length },
    }),
  };
  return {
    count,
    files: { ...files, [`${FOLDER}/${indexFileName({ baseOffset: 0 })}`]: index.encode(binding) },
  };
}

/** A sealed segment of these batches, said to end at an offset, and an active one without any. */
function sealedFiles(batches: readonly Uint8Array[], nextOffset: number) {
  const segment = segmentOf(batches, 0);
  const sealed = { baseOffset: 0, nextOffset, bytes: segment.length, maxTimestampMs: 5000 };
  const isThere = batches.length > 0;
  return {
    [`${FOLDER}/${segmentFileName({ baseOffset: 0 })}`]: segment,
    [`${FOLDER}/${segmentFileName({ baseOffset: nextOffset })}`]: segmentOf([], nextOffset),
    [MANIFEST]: encodeChecked("partition", {
      ...EMPTY,
      sealed: isThere ? [sealed] : [],
      activeBaseOffset: nextOffset,
      logStartOffset: isThere ? 0 : nextOffset,
    }),
  };
}

const EMPTY: Manifest = {
  logId: LOG_ID,
  epoch: 1,
  logStartOffset: 0,
  sealed: [],
  activeBaseOffset: 0,
  gaps: [],
  lost: [],
  compactedTo: 0,
  cleanTo: 0,
  truncations: 0,
  producers: [],
  clean: null,
};

function segmentOf(batches: readonly Uint8Array[], baseOffset: number): Uint8Array {
  const placed = batches.map((bytes) => {
    const batch = decodeBatch(bytes, 0, 0);
    assert.ok(typeof batch !== "string");
    return rehead(batch, { epoch: 1 }, SALT);
  });
  const header = { salt: SALT, baseOffset, logId: LOG_ID, createdMs: 0 };
  return concatBytes([encodeSegmentHeader(header), ...placed]);
}

async function replace(disk: MemoryDisk, path: string, bytes: Uint8Array): Promise<void> {
  disk.removeFile(path);
  const file = disk.create(path);
  file.write(bytes, 0);
  await file.sync();
  await disk.syncFolder(FOLDER);
}

/** The note in the LOCK file is for people. */
function withoutLock<T>(files: Record<string, T>): Record<string, T> {
  const { [`${FOLDER}/LOCK`]: _, ...rest } = files;
  return rest;
}
