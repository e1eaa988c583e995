/**
 * A segment file under a manifest that is right: as the active segment of a log that was not closed,
 * and as a sealed one. What can be believed is read as it is, the rest is an error, and nothing that
 * is acknowledged later is lost.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dumpSegment, Log, MemoryDisk } from "../../../mod.ts";
import { equalBytes } from "../../../core/base/bytes.ts";
import { encodeChecked } from "../../../core/base/checked_document.ts";
import { segmentFileName } from "../../../core/format/file_names.ts";
import { EPOCH_MAX } from "../../../core/format/batch_header.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "../../../core/format/segment_header.ts";
import type { Manifest } from "../../../core/log/manifest.ts";
import { collect } from "../../support/collect.ts";
import { type FlatRecord, flatten } from "../../golden/flat_record.ts";
import { encodeGoldenSegment, GOLDEN_SEGMENTS } from "../../golden/golden_segments.ts";
import { diskOf, filesIn } from "../../support/disk_of.ts";
import { baseOffsetOf, mutateSegment, saltOf } from "../segments.ts";
import { type FuzzTarget, outcomeOf, READ_CODES } from "../target.ts";
import { Truth } from "../truth.ts";
import { type Walk, walk } from "../walk.ts";

const FOLDER = "/log";
const LOG_ID = "00112233445566778899aabbccddeeff";

export const segmentTarget: FuzzTarget = {
  name: "segment",
  seeds: GOLDEN_SEGMENTS.map(encodeGoldenSegment),
  mutate: mutateSegment,
  check,
};

/** An input, where it lies, and what is in it. */
interface Given {
  readonly input: Uint8Array;
  readonly path: string;
  readonly found: Walk;
  /** Whether its header is that of a segment of this log. */
  readonly isOurs: boolean;
}

async function check(input: Uint8Array): Promise<string> {
  const baseOffset = baseOffsetOf(input);
  const found = walk(input, saltOf(input) ?? 0, baseOffset);
  const path = `${FOLDER}/${segmentFileName({ baseOffset })}`;
  const header = await outcomeOf(() => decodeSegmentHeader(input), ["unsupported"]);
  const isOurs = typeof header.value === "object" && header.value.logId === LOG_ID;
  checkDump(await diskOf({ [path]: input }), path);

  const manifest = { ...MANIFEST, activeBaseOffset: baseOffset, logStartOffset: baseOffset };
  const files = {
    [path]: input,
    [`${FOLDER}/partition.json`]: encodeChecked("partition", manifest),
  };
  const reader = await outcomeOf(
    async () => Log.open(FOLDER, { disk: await diskOf(files), readOnly: true }),
    ["corrupt", "unsupported"],
  );
  assert.equal(reader.value !== undefined, isOurs);
  const given = { input, path, found, isOurs };
  if (reader.value !== undefined) await checkReading(reader.value, given);
  const kind = await checkWriting(await diskOf(files), given);
  if (isOurs && found.nextOffset > baseOffset) await checkSealed(given);
  return kind;
}

const MANIFEST: Manifest = {
  logId: LOG_ID,
  epoch: 4,
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

function checkDump(disk: MemoryDisk, path: string): void {
  for (const options of [{}, { json: true }, { headersOnly: true }]) {
    try {
      for (const line of dumpSegment(disk, path, options)) {
        if (options.json) JSON.parse(line);
      }
    } catch (error) {
      assert.equal((error as { code?: string }).code, "unsupported", String(error));
    }
  }
}

/** All that can be believed comes, in order, and no record without its neighbours but by an error. */
async function checkReading(log: Log, given: Given): Promise<void> {
  const { found } = given;
  const { records, isWhole } = await new Truth([given.input]).read(log);
  assert.deepEqual(records.slice(0, found.records.length), found.records);
  if (found.isBroken) assert.ok(!isWhole, "what cannot be read is an error");
  else if (found.end === given.input.length) assert.ok(isWhole, "what is whole is read");
  const reversed = await outcomeOf(() => collect(log.records({ reverse: true })), READ_CODES);
  assert.equal(reversed.error === undefined, isWhole);
  if (isWhole) assert.deepEqual(reversed.value?.map(flatten), records.toReversed());
  for (const record of records) {
    const one = await outcomeOf(() => log.read(record.offset), READ_CODES);
    if (one.error === undefined) assert.deepEqual(flatten(one.value), record);
    else assert.ok(!isWhole);
  }
  await log.close();
}

async function checkWriting(disk: MemoryDisk, given: Given): Promise<string> {
  const { input, path, found, isOurs } = given;
  const opened = await outcomeOf(
    () => Log.open(FOLDER, { disk, segmentBytes: 2 ** 30 }),
    ["corrupt", "unsupported"],
  );
  if (found.epoch >= EPOCH_MAX - 1) return "last epoch"; // it cannot be opened twice more
  if (opened.error !== undefined) {
    assert.ok(equalBytes(filesIn(disk, FOLDER)[path]!, input), "nothing was changed");
    const isWhole = isOurs && !found.isNameless && found.end >= found.watermark;
    assert.ok(!isWhole, `refused though all is well: ${opened.error.message}`);
    return "refused";
  }
  assert.ok(isOurs && found.end >= found.watermark, "damage to what is durable is refused");
  const log = opened.value;
  assert.equal(log.nextOffset, found.nextOffset);
  const appended = await outcomeOf(() => log.append({ value: "new", timestamp: 7 }), ["too-large"]);
  if (found.nextOffset === Number.MAX_SAFE_INTEGER) {
    assert.equal(appended.error?.code, "too-large");
    return "last offset";
  }
  assert.equal(appended.value, found.nextOffset);
  await checkStored(log, found);
  disk.crash();
  await using again = await Log.open(FOLDER, { disk });
  assert.equal(again.recovery.tornBytes, 0, "what was acknowledged is not torn");
  await checkStored(again, found);
  return found.end === input.length ? "whole" : "torn";
}

/** What was found and the record behind it. */
async function checkStored(log: Log, found: Walk): Promise<void> {
  const read: FlatRecord[] = [];
  const reading = await outcomeOf(async () => {
    for await (const record of log.records()) read.push(flatten(record));
  }, READ_CODES);
  assert.equal(reading.error !== undefined, found.isBroken);
  assert.deepEqual(read.slice(0, found.records.length), found.records);
  assert.equal((await log.read(found.nextOffset)).text, "new");
}

/** The same bytes as a segment of which the manifest says that it is complete. */
async function checkSealed({ input, found }: Given): Promise<void> {
  const baseOffset = baseOffsetOf(input);
  const isWhole = found.end === input.length;
  const nextOffset = isWhole ? found.nextOffset : found.nextOffset + 3;
  if (!Number.isSafeInteger(nextOffset)) return;
  const next = { salt: 1, baseOffset: nextOffset, logId: LOG_ID, createdMs: 0 };
  const manifest = {
    ...MANIFEST,
    logStartOffset: baseOffset,
    sealed: [{ baseOffset, nextOffset, bytes: input.length, maxTimestampMs: 0 }],
    activeBaseOffset: nextOffset,
  };
  const disk = await diskOf({
    [`${FOLDER}/${segmentFileName({ baseOffset })}`]: input,
    [`${FOLDER}/${segmentFileName({ baseOffset: nextOffset })}`]: encodeSegmentHeader(next),
    [`${FOLDER}/partition.json`]: encodeChecked("partition", manifest),
  });
  await using log = await Log.open(FOLDER, { disk });
  const read = await new Truth([input]).read(log);
  assert.deepEqual(read.records.slice(0, found.records.length), found.records);
  if (isWhole) assert.equal(read.isWhole, !found.isBroken);
}
