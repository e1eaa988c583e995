/**
 * The manifest of a log over segments that are whole. One that cannot be is refused; under one that
 * can, nothing is read that was not stored, and what is appended is there after the next opening.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Log, type MemoryDisk, verify } from "../../../mod.ts";
import { decodeManifest, type Manifest } from "../../../core/log/manifest.ts";
import { diskOf, filesIn, goldenFiles } from "../../support/disk_of.ts";
import { mutateDocument } from "../json.ts";
import { type FuzzTarget, outcomeOf } from "../target.ts";
import { Truth } from "../truth.ts";

const FOLDER = "/log";
const PATH = `${FOLDER}/partition.json`;
const CLOSED = goldenFiles("store-closed/orders-0", FOLDER);
const CRASHED = goldenFiles("store-crashed/orders-0", FOLDER);
const OTHER = goldenFiles("store-closed/empty-0", FOLDER);

export const manifestTarget: FuzzTarget = {
  name: "manifest",
  seeds: [CLOSED[PATH]!, CRASHED[PATH]!, OTHER[PATH]!],
  mutate: mutateDocument,
  check,
};

async function check(input: Uint8Array): Promise<string> {
  const files = input.includes(0) ? CRASHED : CLOSED;
  const given = { ...files, [PATH]: input };
  const truth = new Truth(segmentsOf(given));
  const decoded = await outcomeOf(() => decodeManifest(input, FOLDER), ["corrupt", "unsupported"]);
  verify(FOLDER, { disk: await diskOf(given) });
  const disk = await diskOf(given);
  const reader = await outcomeOf(
    () => Log.open(FOLDER, { disk, readOnly: true }),
    ["corrupt", "unsupported"],
  );
  if (decoded.error !== undefined) assert.equal(reader.error?.code, decoded.error.code);
  if (reader.value !== undefined) {
    await truth.read(reader.value, decoded.value!.gaps);
    await checkLookups(reader.value);
    await reader.value.close();
  }
  return await checkWriting(disk, { given, truth, manifest: decoded.value });
}

async function checkLookups(log: Log): Promise<void> {
  const { logStartOffset, durableOffset, nextOffset } = log;
  assert.ok(logStartOffset <= durableOffset && durableOffset <= nextOffset);
  for (const offset of [logStartOffset, nextOffset - 1, 15, 30, 48]) {
    const one = await outcomeOf(
      () => log.read(offset),
      ["corrupt", "offset-out-of-range", "not-found"],
    );
    if (one.value !== undefined) assert.equal(one.value.offset, offset);
  }
  const time = await outcomeOf(() => log.offsetAt(1_795_176_000_000), ["corrupt"]);
  if (time.value !== undefined) assert.ok(time.value >= 0 && time.value <= nextOffset);
}

async function checkWriting(
  disk: MemoryDisk,
  state: { given: Record<string, Uint8Array>; truth: Truth; manifest: Manifest | undefined },
): Promise<string> {
  const { given, truth, manifest } = state;
  const opened = await outcomeOf(() => Log.open(FOLDER, { disk }), ["corrupt", "unsupported"]);
  if (opened.error !== undefined) {
    const after = filesIn(disk, FOLDER);
    delete after[`${FOLDER}/LOCK`];
    assert.deepEqual(Object.keys(after).toSorted(), Object.keys(given).toSorted());
    return "refused";
  }
  const log = opened.value;
  const before = await truth.read(log, manifest!.gaps);
  const { logStartOffset, durableOffset, nextOffset } = log;
  assert.ok(logStartOffset <= durableOffset && durableOffset <= nextOffset);
  const appended = await outcomeOf(() => log.append({ value: "new", timestamp: 7 }));
  assert.equal(appended.value, nextOffset);
  const offset = appended.value!;
  assert.equal((await log.read(offset)).text, "new");
  disk.crash();
  await using again = await Log.open(FOLDER, { disk });
  assert.equal((await again.read(offset)).text, "new", "what was acknowledged is there");
  if (before.isWhole) assert.equal(again.recordCount, before.records.length + 1);
  return "taken";
}

function segmentsOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array[] {
  return Object.entries(files).flatMap(([path, bytes]) => path.endsWith(".log") ? [bytes] : []);
}
