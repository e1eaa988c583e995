/**
 * Opens a log for writing: lock, manifest, recovery of the active segment, a new epoch. Only then
 * may anything be appended.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import process from "node:process";
import { SeglogError } from "../base/errors.ts";
import type { Observers } from "../base/observer.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { checkHeld, makeFolderDurably, removeIfThere } from "../disk/files.ts";
import {
  CATALOGUE_FILE,
  LOCK_FILE,
  MANIFEST_FILE,
  parseCompanionFileName,
  parseSegmentFileName,
  segmentFileName,
  type SegmentName,
} from "../format/file_names.ts";
import type { BatchView } from "../format/batch.ts";
import { EPOCH_MAX } from "../format/batch_header.ts";
import { gapAt } from "./gaps.ts";
import { isWholeChain, type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { noLog, segmentsIn } from "./no_log.ts";
import type { OpenFiles } from "./open_files.ts";
import { OwnedState } from "./owned_state.ts";
import { ProducerTable } from "./producers.ts";
import { quarantineFile } from "./quarantine.ts";
import { recoverActive, type RecoveryReport } from "./recovery.ts";
import { companionPaths } from "./companions.ts";
import { repairCommand, wayOn } from "./repair_words.ts";
import { type LogPlace, segmentPath } from "./segment_file.ts";
import { createActive } from "./segments.ts";

/** A log opened for writing, and what opening it took. */
export interface OwnedLog {
  readonly state: OwnedState;
  readonly report: RecoveryReport;
}

/** How a log is opened for writing. */
export interface OwnedLogOptions {
  readonly disk: Disk;
  /** The lock that makes the log ours; it stays with the caller. */
  readonly lock: DiskLock;
  readonly name: string;
  readonly nowMs: number;
  /** Whether to make the log when there is none. */
  readonly create: boolean;
  /** Keeps its sealed segments open. */
  readonly files: OpenFiles;
  /** Who is told what is done with it. */
  readonly observers?: Observers;
}

/**
 * Opens the log in `folder`, which the caller has locked, making it when there is none.
 *
 * @throws {SeglogError} `corrupt`, `unsupported`, `poisoned` when the lock is lost, or `not-found`
 * when it may not be made
 */
export async function openOwnedLog(folder: string, options: OwnedLogOptions): Promise<OwnedLog> {
  const { disk, lock, name, files, observers } = options;
  checkHeld(lock, `open ${folder}`);
  const manifest = readManifest(disk, folder) ?? await createLog(folder, options);
  const place: LogPlace = { disk, folder, logId: manifest.logId, observers };
  checkSealed(place, manifest);
  const producers = new ProducerTable(manifest.producers);
  const visit = (batch: BatchView) => {
    const producer = batch.producer();
    if (producer !== undefined) {
      producers.note(producer, { start: batch.baseOffset, end: batch.nextOffset });
    }
  };
  const { active, report, epoch } = await recoverActive(place, manifest, { lock, visit });
  try {
    // Epochs never fall, not even under a manifest that is older than its segments.
    const opened = {
      ...manifest,
      compactedTo: Math.min(manifest.compactedTo, active.nextOffset),
      epoch: epochAfter(folder, Math.max(manifest.epoch, epoch)),
      clean: null,
    };
    // The new epoch is durable before the first append that carries it. The clean mark goes with
    // the same step: from here on the end of the log is known by scanning only.
    await makeManifestDurable(folder, opened, options);
    // Not before: the manifest that was found may have been left by a process that ended before it
    // was durable, and the one before it lists what is put away here.
    await tidy(place, manifest);
    const state = new OwnedState(name, {
      place,
      lock,
      files,
      manifest: opened,
      active,
      producers,
    });
    return { state, report };
  } catch (error) {
    active.close();
    throw error;
  }
}

function epochAfter(folder: string, epoch: number): number {
  if (epoch < EPOCH_MAX) return epoch + 1;
  throw new SeglogError(
    "corrupt",
    `Cannot open ${folder} for writing: it says that it was opened ${epoch} times, and that is the last`,
  );
}

/**
 * Takes the lock that guards the log in `folder`: its own, or the store's when it is in one. A store
 * that has lost its catalogue has its LOCK still.
 *
 * @throws {SeglogError} `locked`, saying who holds it
 */
export function lockLog(disk: Disk, folder: string): DiskLock {
  const parent = dirname(folder);
  const isInStore = [CATALOGUE_FILE, LOCK_FILE]
    .some((name) => disk.sizeOf(join(parent, name)) !== undefined);
  return lockFolder(disk, isInStore ? parent : folder);
}

/**
 * Takes the lock of a folder of data.
 *
 * @param refusal what to say when somebody else, of whom `holder` may tell, has it
 * @throws {SeglogError} `locked`
 */
export function lockFolder(
  disk: Disk,
  folder: string,
  refusal: (holder: string) => string = (holder) => heldBy(folder, holder),
): DiskLock {
  const path = join(folder, LOCK_FILE);
  const note = `pid ${process.pid}, since ${new Date().toISOString()}\n`;
  const lock = disk.tryLock(path, note);
  if (lock !== undefined) return lock;
  const holder = disk.readLockNote(path);
  throw new SeglogError("locked", refusal(holder), { details: { holder } });
}

function heldBy(folder: string, holder: string): string {
  const who = holder === "" ? "another opener" : `the process with ${holder}`;
  return `Cannot open ${folder} for writing: ${who} holds it. ` +
    "Write through that process (a server: --at http://…), or stop it; reading works beside it";
}

/**
 * Makes an empty log. A crash on the way leaves a first segment without records and no manifest,
 * which is made anew; with records and no manifest, nothing is touched.
 */
async function createLog(folder: string, options: OwnedLogOptions): Promise<Manifest> {
  const { disk, nowMs } = options;
  const missing = noLog(disk, folder);
  if (!options.create || missing.code === "corrupt") throw missing;
  if (disk.sizeOf(join(folder, CATALOGUE_FILE)) !== undefined) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot open ${folder} as one log: it is a store; open it as one, or name a folder in it`,
    );
  }
  for (const path of segmentsIn(disk, folder)) disk.removeFile(path);
  await makeFolderDurably(disk, folder);
  const place = { disk, folder, logId: randomBytes(16).toString("hex") };
  const active = await createActive(place, 0, nowMs);
  active.close();
  const manifest: Manifest = {
    logId: place.logId,
    epoch: 0,
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
  await makeManifestDurable(folder, manifest, options);
  return manifest;
}

/** Whichever manifest is there when this fails, the log is not open, and the next try reads it. */
async function makeManifestDurable(
  folder: string,
  manifest: Manifest,
  { disk, lock }: OwnedLogOptions,
): Promise<void> {
  try {
    await writeManifest(disk, folder, manifest, { lock });
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "outcome-unknown") throw error;
    throw new SeglogError(
      "io",
      `Cannot open ${folder}: its ${MANIFEST_FILE} could not be made durable`,
      { cause: error },
    );
  }
}

/** Every sealed segment must be there, whole, and join the next. @throws {SeglogError} `corrupt` */
function checkSealed(place: LogPlace, manifest: Manifest): void {
  for (const entry of manifest.sealed) {
    const { baseOffset, nextOffset, bytes } = entry;
    const path = segmentPath(place, entry);
    const size = place.disk.sizeOf(path);
    if (size !== undefined && size >= bytes) continue;
    const lost = { start: baseOffset, end: nextOffset };
    const state = size === undefined ? "is missing" : `has ${size} of ${bytes} bytes`;
    throw new SeglogError(
      "corrupt",
      `Cannot open ${place.folder}: segment ${path} with offsets ${baseOffset} to ${
        nextOffset - 1
      } ${state}. Nothing was changed; ${wayOn(place.folder, [lost])}`,
      { details: { path, ...lost } },
    );
  }
  if (!isWholeChain(manifest)) {
    throw new SeglogError(
      "corrupt",
      `Cannot open ${place.folder}: the segments in its ${MANIFEST_FILE} do not join; ` +
        `\`${repairCommand(place.folder, [])}\` says what is missing`,
    );
  }
}

/**
 * Puts away segments that no manifest lists. Below the first listed one they were dropped, and a
 * crash kept them; past the active one a roll was cut short, and they hold nothing acknowledged;
 * where offsets are lost a repair was cut short; what lies within a sealed segment was compacted
 * into it, or is what a compaction that was cut short had made of it. Any other file is left alone.
 */
async function tidy(place: LogPlace, manifest: Manifest): Promise<void> {
  const { disk, folder } = place;
  const active: SegmentName = { baseOffset: manifest.activeBaseOffset };
  const listed = new Set([...manifest.sealed, active].map((segment) => segmentFileName(segment)));
  const first = manifest.sealed[0]?.baseOffset ?? manifest.activeBaseOffset;
  for (const { name } of disk.list(folder) ?? []) {
    if (isUnfinished(name)) disk.removeFile(join(folder, name));
    const segment = parseSegmentFileName(name);
    if (segment === undefined || listed.has(name)) continue;
    const { baseOffset, generation } = segment;
    const isDropped = baseOffset < first || gapAt(manifest.gaps, baseOffset) !== undefined ||
      manifest.sealed.some((entry) =>
        generation + entry.generation > 0 &&
        baseOffset >= entry.baseOffset && baseOffset < entry.nextOffset
      );
    const isGivenUp = gapAt(manifest.lost, baseOffset) !== undefined;
    if (isGivenUp || baseOffset > manifest.activeBaseOffset) await quarantineFile(place, name);
    else if (isDropped) disk.removeFile(join(folder, name));
    else continue;
    for (const path of companionPaths(place, segment)) removeIfThere(disk, path);
  }
}

/** Whether a file is a segment, or one beside it, that was being written when its owner ended. */
function isUnfinished(name: string): boolean {
  if (!name.endsWith(".tmp")) return false;
  const finished = name.slice(0, -".tmp".length);
  return (parseSegmentFileName(finished) ?? parseCompanionFileName(finished)) !== undefined;
}
