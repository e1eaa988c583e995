/** Mutants of the log: segments, indexes, recovery, repair. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const CRASH = ["tests/crash/crash_test.ts"];
const RECOVERY = ["tests/log/recovery_test.ts"];
const LYING = ["tests/log/lying_files_test.ts"];
const APPEND = ["tests/log/append_test.ts"];
const LOST_LOCK = ["tests/store/lost_lock_test.ts"];
const QUARANTINE = ["tests/crash/quarantine_test.ts"];
const FAULTS = ["tests/log/faults_test.ts"];
/** Those of its tests that are quick. */
const DAMAGE = ["files", "forged", "one_belief", "reading"]
  .map((name) => `tests/damage/${name}_test.ts`);

export const LOG_MUTANTS: readonly Mutant[] = [
  ...of(
    "core/log/segment_file.ts",
    CRASH,
    ["a new segment is synced", "    await file.sync();\n", ""],
    [
      "a new segment's folder is synced",
      "    await place.disk.syncFolder(place.folder);\n",
      "",
    ],
    [
      "every segment has a salt of its own",
      "return randomInt(WIRE_SALT + 1, 2 ** 32);",
      "return 7;",
      DAMAGE,
    ],
    [
      "a segment of another log is not taken",
      "header.logId !== place.logId",
      "false",
      DAMAGE,
    ],
    [
      "a segment under another's name is not taken",
      "if (header.baseOffset === baseOffset) return undefined;",
      "return undefined;",
      RECOVERY,
    ],
  ),
  ...of(
    "core/log/recovery.ts",
    CRASH,
    [
      "what a scan has found is synced before it counts as durable",
      "  await file.file.sync();\n  const active = new ActiveSegment(",
      "  const active = new ActiveSegment(",
    ],
    [
      "what a failed sync may have dropped is written again",
      "  writeAgain(file.file, Math.max(SEGMENT_HEADER_BYTES, end.watermark), end.bytes);\n",
      "",
      ["tests/log/failed_sync_test.ts"],
    ],
    [
      "a tail is cut only while the log is ours",
      "    checkHeld(lock, `recover ${place.folder}`);\n    file.file.truncate(end.bytes);",
      "    file.file.truncate(end.bytes);",
      LOST_LOCK,
    ],
    [
      "a torn tail is cut",
      "    file.file.truncate(end.bytes);\n",
      "",
      RECOVERY,
    ],
    [
      "a clean end is believed only when the file ends there",
      "clean === null || file.file.size() !== clean.bytes",
      "clean === null",
      RECOVERY,
    ],
  ),
  ...of(
    "core/log/scan_active.ts",
    RECOVERY,
    [
      "damage below the watermark is refused",
      "if (position >= watermark && !isShort) {",
      "if (position >= 0 && !isShort) {",
    ],
    [
      "watermarks beyond the damage count",
      "end.complaint === undefined ? 0 : watermarkBeyond(source, end.bytes, size)",
      "0",
    ],
    ["the manifest's clean end counts", "clean?.bytes ?? 0", "0", DAMAGE],
    [
      "an end below what was truncated away is damage",
      "isShort ? end.bytes + 1 : 0",
      "0",
      [...DAMAGE, "tests/log"],
    ],
    [
      "what is torn behind damage is not lost",
      "position >= watermark) return { ...end, watermark };",
      "false) return { ...end, watermark };",
      ["tests/damage/one_belief_test.ts"],
    ],
  ),
  ...of(
    "core/log/quarantine.ts",
    CRASH,
    [
      "the folder of what is cut off is synced before it is cut",
      "  await disk.syncFolder(folder);\n  return path;",
      "  return path;",
    ],
    [
      "a quarantined segment's new folder is synced",
      "  await place.disk.syncFolder(folder);\n  await place.disk.syncFolder(place.folder);\n  return path;",
      "  await place.disk.syncFolder(place.folder);\n  return path;",
      QUARANTINE,
    ],
    [
      "a quarantined segment's old folder is synced",
      "  await place.disk.syncFolder(folder);\n  await place.disk.syncFolder(place.folder);\n  return path;",
      "  await place.disk.syncFolder(folder);\n  return path;",
      QUARANTINE,
    ],
    [
      "the quarantine folder is synced",
      "  place.disk.makeFolder(folder);\n  await place.disk.syncFolder(place.folder);\n",
      "  place.disk.makeFolder(folder);\n",
    ],
  ),
  ...of(
    "core/log/repair.ts",
    ["tests/repair"],
    [
      "what a repair copies is synced",
      "    await target.sync();\n  } finally {\n    source.close();",
      "  } finally {\n    source.close();",
    ],
    [
      "the folder of what a repair copies is synced",
      "  disk.rename(temporary, path);\n  await disk.syncFolder(place.folder);\n",
      "  disk.rename(temporary, path);\n",
    ],
    [
      "what a repair gives up is in quarantine first",
      "  const quarantined = await keepAll(place, plan);\n",
      "  const quarantined: string[] = [];\n",
    ],
    [
      "a repair clears up after the manifest, not before",
      "  await writeManifest(place.disk, place.folder, manifest, { lock });\n  await clear(place, plan);\n",
      "  await clear(place, plan);\n  await writeManifest(place.disk, place.folder, manifest, { lock });\n",
    ],
    [
      "a repair changes no file that a snapshot shares",
      "await rewriteStart(place, path, { bytes: keptBytes });",
      '{ const file = disk.open(path, "write"); file.truncate(keptBytes); await file.sync(); }',
    ],
  ),
  ...of(
    "core/log/plan_repair.ts",
    ["tests/repair"],
    [
      "no more is lost than is accepted",
      "if (accepted.length === asked.length)",
      "if (true)",
    ],
    [
      "lost offsets are not used again",
      "...lost.map(({ end }) => end),",
      "",
    ],
  ),
  ...of(
    "core/log/cursor.ts",
    ["tests/repair", ...DAMAGE],
    [
      "a reader is told of lost offsets",
      "if (lost !== undefined) throw lostRange(view.name, offset, lost);",
      "",
    ],
  ),
  ...of(
    "core/log/segment_walk.ts",
    DAMAGE,
    [
      "a reader finds only the offset that comes next",
      "if (batch.baseOffset !== this.#offset || batch.nextOffset > nextOffset)",
      "if (false)",
    ],
    [
      "behind damage offsets rise",
      "batch.baseOffset >= least &&",
      "",
    ],
    ["epochs never fall", "if (epoch < this.#epoch) return", "if (false) return"],
    [
      "a stray copy of a later batch hides none that it jumps over",
      "after.batch.baseOffset >= found.batch.nextOffset",
      "true",
    ],
    [
      "a stray copy of the first batch is not taken for it",
      "isFirst ? this.#offset + 1 : this.#offset",
      "this.#offset",
    ],
  ),
  ...of(
    "core/log/scan.ts",
    RECOVERY,
    [
      "a payload's checksum is looked at in recovery",
      'typeof batch === "object" && batch.isIntact();',
      'typeof batch === "object";',
    ],
  ),
  ...of(
    "core/log/open_log.ts",
    RECOVERY,
    ["an opening raises the epoch", "return epoch + 1;", "return epoch;"],
    [
      "an opening takes the clean mark away",
      "      clean: null,\n    };\n    // The new",
      "    };\n    // The new",
    ],
    [
      "epochs do not fall under an older manifest",
      "Math.max(manifest.epoch, epoch)",
      "manifest.epoch",
      LYING,
    ],
    [
      "the epoch is durable before anything is appended",
      "    await makeManifestDurable(folder, opened, options);\n",
      "",
    ],
    [
      "a sealed segment must be there, whole",
      "if (size !== undefined && size >= bytes) continue;",
      "continue;",
    ],
    ["segments must join", "if (!isWholeChain(manifest))", "if (false)", LYING],
    [
      "segments without a manifest are not overwritten",
      'if (!options.create || missing.code === "corrupt") throw missing;',
      "if (!options.create) throw missing;",
    ],
    [
      "nothing is put away before it is certain that nothing is refused",
      "  checkSealed(place, manifest);\n  const producers",
      "  await tidy(place, manifest);\n  checkSealed(place, manifest);\n  const producers",
      DAMAGE,
    ],
    [
      "nothing is put away before the manifest that does not list it is durable",
      "    await makeManifestDurable(folder, opened, options);\n    //",
      "    await tidy(place, manifest);\n    await makeManifestDurable(folder, opened, options);\n    //",
      ["tests/crash/unfinished_truncation_test.ts"],
    ],
    [
      "a segment that a roll left behind is put aside",
      "await quarantineFile(place, name);",
      "{}",
    ],
  ),
  ...of(
    "core/log/owned_state.ts",
    CRASH,
    [
      "a prefix truncation is in the manifest before segments go",
      "async truncateBefore(offset: number): Promise<void> {\n",
      "async truncateBefore(offset: number): Promise<void> {\n" +
      "    this.#drop((segment) => segment.nextOffset <= offset);\n",
    ],
    [
      "a suffix truncation is in the manifest before segments go",
      "async removeRange(start: number, end: number): Promise<void> {\n",
      "async removeRange(start: number, end: number): Promise<void> {\n" +
      "    this.#drop((segment) => segment.baseOffset >= start);\n",
    ],
    [
      "a manifest that may be the new one poisons the log",
      'if (!(error instanceof SeglogError) || error.code !== "outcome-unknown") throw error;\n' +
      '      throw this.poison("its manifest may or may not be the new one", error);',
      "throw error;",
      ["tests/faults"],
    ],
  ),
  ...of(
    "core/log/write_work.ts",
    APPEND,
    ["a failed write is taken back", "      active.cutBack();\n", ""],
    [
      "a write that cannot be taken back ends all",
      'throw state.poison("a write failed and could not be taken back", cause);',
      "throw error;",
    ],
    [
      "a batch tells how much was durable",
      "durableUpTo: durableBytes, epoch",
      "durableUpTo: 0, epoch",
      RECOVERY,
    ],
    [
      "what was compacted elsewhere is noted before it comes",
      "  if (compacted !== undefined) await state.noteCompacted(endOf(compacted));\n",
      "",
      ["tests/log/mirror_test.ts"],
    ],
    [
      "what comes behind a gap is not written before it",
      "      await roll(skips.shift());\n",
      "      await rolling.roll(skips.shift());\n",
      ["tests/log/mirror_test.ts"],
    ],
  ),
  ...of(
    "core/log/log_writer.ts",
    CRASH,
    ["a sync syncs", "      await active.sync();\n", ""],
    [
      "an append is acknowledged after its sync",
      'done.some((waiter) => waiter.sync.kind === "always")',
      "false",
    ],
    [
      "a roll syncs what it seals",
      "    await this.#syncExactly();\n    state.publish();",
      "    state.publish();",
    ],
    [
      "only what is durable is truncated away",
      "      if (offset > state.durableOffset) await this.#sync();\n      await state.truncateBefore(offset);",
      "      await state.truncateBefore(offset);",
    ],
    [
      "what was removed to the last record was durable",
      "        if (state.nextOffset > state.durableOffset) await this.#sync();\n",
      "",
    ],
    [
      "retention takes only what is durable",
      "    if (start > state.durableOffset) await this.#sync();\n",
      "",
      ["tests/log/retention_test.ts"],
    ],
    [
      "a failed sync ends all acknowledging",
      "throw state.poison(`a sync failed (${messageOf(cause)})`, cause);",
      "throw cause;",
      FAULTS,
    ],
    [
      "a sync that returns after another failed counts for nothing",
      "    state.checkOwned();\n    state.markDurable(end);",
      "    state.markDurable(end);",
      FAULTS,
    ],
    [
      "a roll waits for the sync under way",
      "    await this.#backgroundSync.end(); // the file is closed after the roll\n",
      "",
      FAULTS,
    ],
    [
      "what waits is written only while the log is ours",
      "      state.checkOwned();\n      work = ",
      "      state.checkWritable();\n      work = ",
      LOST_LOCK,
    ],
    [
      "a sync that returns when the log is not ours acknowledges nothing",
      "    state.checkOwned();\n    state.markDurable(end);",
      "    state.checkWritable();\n    state.markDurable(end);",
      LOST_LOCK,
    ],
    [
      "an interval is kept",
      'if (sync.kind === "interval" && !isDurable) this.#backgroundSync.startWithin(sync.intervalMs);',
      "",
      APPEND,
    ],
    [
      "space taken ahead is given back before a segment is sealed",
      "      active.cutBack();\n    }\n    await this.#sync(isLonger);",
      "    }\n    await this.#sync(isLonger);",
      ["tests/log/unused_space_test.ts"],
    ],
    [
      "space is given back only while the log is ours",
      "      this.#state.checkOwned(); // who owns the log now may have written there\n",
      "",
      LOST_LOCK,
    ],
    [
      "that it was given back is durable",
      "await this.#sync(isLonger);",
      "await this.#sync();",
      ["tests/log/unused_space_test.ts"],
    ],
    [
      "closing syncs",
      "        await this.#syncExactly();\n        await state.markClean();",
      "        await state.markClean();",
    ],
  ),
  ...of(
    "core/log/sparse_index.ts",
    ["tests/log/sparse_index_test.ts"],
    [
      "an index's checksum is looked at",
      "if (view.getUint32(end + 8, true) !== crc32(bytes.subarray(0, end + 8))) return undefined;",
      "",
    ],
    [
      "an index of another segment is not taken",
      "view.getUint32(AT.salt, true) === binding.salt &&",
      "",
    ],
    [
      "an index of another length of the segment is not taken",
      "getUint64(view, AT.segmentBytes) === binding.segmentBytes",
      "true",
    ],
  ),
  ...of(
    "core/log/paged_batch.ts",
    ["tests/log/point_read_test.ts"],
    [
      "a page's checksum is looked at",
      "return length === target.length && crc32(target) === checksums[number];",
      "return true;",
    ],
  ),
  ...of(
    "core/log/manifest.ts",
    LYING,
    [
      "a manifest that cannot be is refused, whatever its checksum",
      "complaintAboutManifest(body);",
      "undefined as string | undefined;",
    ],
  ),
  ...of(
    "core/log/segment_start.ts",
    LYING,
    [
      "an index that lies is built again",
      "if (!isBatchAt(segment.source(), start))",
      "if (false)",
    ],
  ),
];
