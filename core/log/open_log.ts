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
import type { Disk, DiskLock } from "../disk/disk.ts";
import { checkHeld, makeFolderDurably, removeIfThere } from "../disk/files.ts";
import {
  CATALOGUE_FILE,
  LOCK_FILE,
  MANIFEST_FILE,
  parseSegmentFileName,
  segmentFileName,
} from "../format/file_names.ts";
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { isWholeChain, type Manifest, noLog, readManifest, writeManifest } from "./manifest.ts";
import { OwnedState } from "./owned_state.ts";
import { ProducerTable } from "./producers.ts";
import { quarantineFile, recoverActive, type RecoveryReport } from "./recovery.ts";
import { indexPath } from "./index_file.ts";
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
}

/**
 * Opens the log in `folder`, which the caller has locked, making it when there is none.
 *
 * @throws {SeglogError} `corrupt`, `unsupported`, `poisoned` when the lock is lost, or `not-found`
 * when it may not be made
 */
export async function openOwnedLog(folder: string, options: OwnedLogOptions): Promise<OwnedLog> {
  const { disk, lock, name } = options;
  checkHeld(lock, `open ${folder}`);
  const manifest = readManifest(disk, folder) ?? await createLog(folder, options);
  const place: LogPlace = { disk, folder, logId: manifest.logId };
  checkSealed(place, manifest);
  await tidy(place, manifest);
  const producers = new ProducerTable(manifest.producers);
  const visit = (batch: BatchView) => {
    const producer = batch.producer();
    if (producer !== undefined) {
      producers.note(producer, { start: batch.baseOffset, end: batch.nextOffset });
    }
  };
  const { active, report } = await recoverActive(place, manifest, { lock, visit });
  // The new epoch is durable before the first append that carries it. The clean mark goes with the
  // same step: from here on the end of the log is known by scanning only.
  const opened = { ...manifest, epoch: manifest.epoch + 1, clean: null };
  try {
    await makeManifestDurable(folder, opened, options);
  } catch (error) {
    active.close();
    throw error;
  }
  const state = new OwnedState(name, { place, lock, manifest: opened, active, producers });
  return { state, report };
}

/**
 * Takes the lock that guards the log in `folder`: its own, or the store's when it is in one.
 *
 * @throws {SeglogError} `locked`, saying who holds it
 */
export function lockLog(disk: Disk, folder: string): DiskLock {
  const parent = dirname(folder);
  const isInStore = disk.sizeOf(join(parent, CATALOGUE_FILE)) !== undefined;
  return lockFolder(disk, isInStore ? parent : folder);
}

/** Takes the lock of a folder of data. @throws {SeglogError} `locked`, saying who holds it */
export function lockFolder(disk: Disk, folder: string): DiskLock {
  const path = join(folder, LOCK_FILE);
  const note = `pid ${process.pid}, since ${new Date().toISOString()}\n`;
  const lock = disk.tryLock(path, note);
  if (lock !== undefined) return lock;
  const holder = disk.readLockNote(path);
  throw new SeglogError(
    "locked",
    `Cannot open ${folder} for writing: ${
      holder === "" ? "another opener" : `the process with ${holder}`
    } holds it. ` +
      "Write through that process (a server: --at http://…), or stop it; reading works beside it",
    { details: { holder } },
  );
}

/**
 * Makes an empty log. A crash on the way leaves a first segment without records and no manifest,
 * which is made anew; with records and no manifest, nothing is touched.
 */
async function createLog(folder: string, options: OwnedLogOptions): Promise<Manifest> {
  const { disk, nowMs } = options;
  if (!options.create) throw noLog(folder);
  if (disk.sizeOf(join(folder, CATALOGUE_FILE)) !== undefined) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot open ${folder} as one log: it is a store; open it as one, or name a folder in it`,
    );
  }
  for (const { name } of disk.list(folder) ?? []) {
    if (parseSegmentFileName(name) === undefined) continue;
    const path = join(folder, name);
    if (disk.sizeOf(path)! > SEGMENT_HEADER_BYTES) {
      throw new SeglogError(
        "corrupt",
        `Cannot open ${folder}: it has segments and no ${MANIFEST_FILE}. Nothing was changed; restore the file`,
        { details: { path } },
      );
    }
    disk.removeFile(path);
  }
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
export function checkSealed(place: LogPlace, manifest: Manifest): void {
  for (const { baseOffset, nextOffset, bytes } of manifest.sealed) {
    const path = segmentPath(place, baseOffset);
    const size = place.disk.sizeOf(path);
    if (size !== undefined && size >= bytes) continue;
    throw new SeglogError(
      "corrupt",
      `Cannot open ${place.folder}: segment ${path} with offsets ${baseOffset} to ${
        nextOffset - 1
      } ` +
        (size === undefined ? "is missing" : `has ${size} of ${bytes} bytes`) +
        ". Nothing was changed; restore the file",
      { details: { path, start: baseOffset, end: nextOffset } },
    );
  }
  if (!isWholeChain(manifest)) {
    throw new SeglogError(
      "corrupt",
      `Cannot open ${place.folder}: the segments in its ${MANIFEST_FILE} do not join`,
    );
  }
}

/**
 * Puts away segments that no manifest lists. Below the first listed one they were dropped, and a
 * crash kept them; past the active one a roll was cut short, and they hold nothing acknowledged.
 * Any other file is left alone.
 */
async function tidy(place: LogPlace, manifest: Manifest): Promise<void> {
  const { disk, folder } = place;
  const listed = new Set(manifest.sealed.map((entry) => entry.baseOffset));
  listed.add(manifest.activeBaseOffset);
  const first = Math.min(...listed);
  for (const { name } of disk.list(folder) ?? []) {
    const baseOffset = parseSegmentFileName(name);
    if (baseOffset === undefined || listed.has(baseOffset)) continue;
    const isDropped = baseOffset < first || isInGap(manifest, baseOffset);
    if (isDropped) {
      disk.removeFile(join(folder, segmentFileName(baseOffset)));
      removeIfThere(disk, indexPath(place, baseOffset));
    } else if (baseOffset > manifest.activeBaseOffset) {
      await quarantineFile(place, name);
    }
  }
}

function isInGap(manifest: Manifest, offset: number): boolean {
  return manifest.gaps.some((gap) => offset >= gap.start && offset < gap.end);
}
