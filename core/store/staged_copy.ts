/**
 * A copy of a backend that is being made in a folder of snapshots: a store by itself, which begins with
 * what the snapshot before has, and becomes the new snapshot when it is whole.
 *
 * It is in a folder within that of the snapshot, which is marked as unfinished until the end. Then the
 * files are moved, which copies nothing, and the catalogue comes last: a crash at any moment leaves a
 * whole snapshot or none.
 *
 * @module
 */
import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { LOCK_FILE } from "../format/file_names.ts";
import { readManifest, type SealedEntry } from "../log/manifest.ts";
import { writeCatalogue } from "./catalogue.ts";
import type { LogCopy } from "./copy_log.ts";
import { copyStore, finishCopy, markUnfinished } from "./copy_store.ts";
import { isHintFile } from "./hint_files.ts";
import { Store } from "./store.ts";
import type { SnapshotPlace } from "./take_snapshot.ts";
import { existingCatalogue, NO_TOPICS, partitionFolders } from "./topic_registry.ts";

/** Of what a copy is made, and where. */
export interface StagedCopyTask extends SnapshotPlace {
  readonly disk: Disk;
  readonly clock?: Clock | undefined;
  /** The leadership whose records are copied; 1 unless given. */
  readonly epoch?: number | undefined;
}

const STAGE_FOLDER = "copying";

/** A store that takes in what is copied, until it is whole. */
export class StagedCopy implements AsyncDisposable {
  /** Takes in the copy, by its `mirrorTarget`; nothing goes from it by itself. */
  readonly store: Store;
  /** What was taken over from the snapshot before. */
  readonly begun: LogCopy;
  readonly #task: StagedCopyTask;

  private constructor(task: StagedCopyTask, parts: { store: Store; begun: LogCopy }) {
    this.#task = task;
    this.store = parts.store;
    this.begun = parts.begun;
  }

  /** Begins with what the snapshot before has; where that is damaged, with nothing. */
  static async begin(task: StagedCopyTask): Promise<StagedCopy> {
    const { disk, path, clock = systemClock, epoch = 1 } = task;
    await markUnfinished(disk, path);
    const stage = join(path, STAGE_FOLDER);
    const begun = await takeOver(task, stage);
    const { topics } = begun === NOTHING ? NO_TOPICS : existingCatalogue(disk, stage);
    const follows = { source: "what is backed up", epoch }; // nothing goes by itself
    await writeCatalogue(disk, stage, { topics, dropping: [], follows });
    const store = await Store.open(stage, { disk, clock, follows });
    return new StagedCopy(task, { store, begun });
  }

  /**
   * Makes it the snapshot, durably.
   *
   * @returns bytes of the sealed segments that it shares with the snapshot before
   */
  async finish(): Promise<number> {
    const { disk, path } = this.#task;
    await this.store.close();
    const stage = join(path, STAGE_FOLDER);
    const catalogue = existingCatalogue(disk, stage);
    let linkedBytes = 0;
    for (const name of catalogue.topics.flatMap(partitionFolders)) {
      linkedBytes += this.#sharedBytes(name);
      await moveLog(disk, join(stage, name), join(path, name));
    }
    disk.removeFolder(stage);
    await finishCopy(disk, path, catalogue);
    return Math.min(linkedBytes, this.begun.linkedBytes); // not every file system links
  }

  /** Closes the store; whoever makes the snapshot removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
  }

  #sharedBytes(partition: string): number {
    const { disk, path, earlier } = this.#task;
    if (earlier === undefined || this.begun === NOTHING) return 0;
    const before = readManifest(disk, join(earlier, partition));
    const now = readManifest(disk, join(path, STAGE_FOLDER, partition));
    if (before === undefined || before.logId !== now?.logId) return 0;
    const nameOf = ({ baseOffset, generation }: SealedEntry) => `${baseOffset}.${generation}`;
    const names = new Set(before.sealed.map(nameOf));
    return now.sealed.filter((entry) => names.has(nameOf(entry)))
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

const NOTHING: LogCopy = { copiedBytes: 0, linkedBytes: 0, problems: [] };

async function takeOver({ disk, earlier }: StagedCopyTask, stage: string): Promise<LogCopy> {
  disk.makeFolder(stage);
  if (earlier === undefined) return NOTHING;
  try {
    const copy = await copyStore({ disk, from: earlier, to: stage, earlier });
    if (copy.problems.length === 0) return copy;
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "corrupt") throw error;
  }
  disk.removeFolder(stage);
  disk.makeFolder(stage);
  return NOTHING;
}

/** Moves the files of a closed log, durably. */
async function moveLog(disk: Disk, from: string, to: string): Promise<void> {
  disk.makeFolder(to);
  for (const { name, isFolder } of disk.list(from) ?? []) {
    if (isFolder || name === LOCK_FILE || isHintFile(name)) continue;
    await syncFile(disk, join(from, name));
    disk.rename(join(from, name), join(to, name));
  }
  await disk.syncFolder(to);
  // A move is over when both folders know of it.
  await disk.syncFolder(from);
}

/** A log does not sync its indexes: it can do without. A snapshot shall have them. */
async function syncFile(disk: Disk, path: string): Promise<void> {
  const file = disk.open(path, "write");
  try {
    await file.sync();
  } finally {
    file.close();
  }
}
