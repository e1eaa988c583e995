/**
 * Copies one log beside its owner, who may go on writing: no lock is taken, and the copy is the log
 * as it was at one moment.
 *
 * The manifest says which segments there are. Sealed ones never change, and the active one only
 * grows until it is sealed, so what was copied after a look at the manifest belongs to that
 * manifest, even when the log has rolled meanwhile. Only when records were removed, or another owner
 * came, does the copy look again: then it might hold what came after without what went before.
 *
 * @module
 */
import { join } from "node:path";
import { messageOf, SeglogError } from "../base/errors.ts";
import { COPY_LOOKS_MAX } from "../base/limits.ts";
import type { Disk } from "../disk/disk.ts";
import { removeIfThere, writeNewFile } from "../disk/files.ts";
import { MANIFEST_FILE, type SegmentName } from "../format/file_names.ts";
import { indexPath } from "../log/index_file.ts";
import { type Manifest, readManifest, type SealedEntry, writeManifest } from "../log/manifest.ts";
import { type LogPlace, segmentPath } from "../log/segment_file.ts";
import {
  type CopiedActive,
  type CopiedSegment,
  copyActive,
  copyFile,
  type CopyRoute,
  copySealed,
} from "./copy_segment.ts";
import { SharedHistory } from "./shared_history.ts";
import { Problems, type VerifyProblem } from "./verify_report.ts";
import { SegmentVerifier } from "./verify_segment.ts";

/** A log to be copied. */
export interface LogCopyTask {
  readonly disk: Disk;
  /** Its folder. */
  readonly from: string;
  /** The folder of the copy; nothing is there yet. */
  readonly to: string;
  /** An earlier copy, on the same disk as `to`: what both have is linked. */
  readonly earlier: string | undefined;
  /** Is told of bytes as they are copied. */
  readonly onBytes: (bytes: number) => void;
}

/** What a copy of a log took. */
export interface LogCopy {
  /** Bytes of segments that were copied. */
  readonly copiedBytes: number;
  /** Bytes of segments that an earlier copy had already. */
  readonly linkedBytes: number;
  /** Damage that was copied as it is. */
  readonly problems: readonly VerifyProblem[];
}

/**
 * Copies a log. All files of the copy are synced, and its folder, when this resolves; the folder's
 * own entry is not.
 *
 * @throws {SeglogError} `overloaded` when records are removed again and again meanwhile; `disk-full`
 */
export async function copyLog(task: LogCopyTask): Promise<LogCopy> {
  const { disk, from, to } = task;
  disk.makeFolder(to);
  let copier: LogCopier | undefined;
  for (let looks = 0; looks < COPY_LOOKS_MAX; looks++) {
    const manifest = manifestOf(disk, from);
    if (typeof manifest === "string") return await copyAsItIs(task, manifest);
    copier ??= new LogCopier(task, manifest);
    const copy = await copier.look(manifest);
    if (copy !== undefined) return copy;
  }
  throw new SeglogError(
    "overloaded",
    `Cannot copy ${from}: records were removed ${COPY_LOOKS_MAX} times while it was read; try again`,
  );
}

/** A segment that was copied, or linked, or is missing. */
interface TakenSegment extends CopiedSegment {
  readonly entry: SealedEntry;
  readonly isLinked: boolean;
}

class LogCopier {
  readonly #task: LogCopyTask;
  readonly #route: CopyRoute;
  readonly #shared: SharedHistory | undefined;
  /** Sealed segments that are in the copy, by base offset. */
  readonly #taken = new Map<number, TakenSegment>();
  /** Where the last look put the active segment. */
  #activePath: string | undefined;
  /** Damage of the active segment that the last look found. */
  #damageBefore = "";

  constructor(task: LogCopyTask, manifest: Manifest) {
    const { disk, onBytes, earlier } = task;
    const { logId } = manifest;
    const from = { disk, folder: task.from, logId };
    this.#task = task;
    this.#route = { from, to: { disk, folder: task.to, logId }, onBytes };
    if (earlier !== undefined) {
      this.#shared = SharedHistory.find({ place: from, manifest }, earlier);
    }
  }

  /** @returns `undefined` when the log changed in a way that needs another look */
  async look(manifest: Manifest): Promise<LogCopy | undefined> {
    this.#forget(manifest);
    for (const entry of manifest.sealed) {
      if (this.#taken.has(entry.baseOffset)) continue;
      const taken = await this.#take(manifest, entry);
      const missing = { entry, isLinked: false, ...this.#missing(manifest, entry) };
      this.#taken.set(entry.baseOffset, taken ?? missing);
    }
    this.#activePath = segmentPath(this.#route.to, { baseOffset: manifest.activeBaseOffset });
    const active = await copyActive(this.#route, manifest);
    if (!this.#isCurrent(manifest) || active?.isTakenBack) return undefined;
    if (!this.#isSure(active)) return undefined;
    await this.#finish(manifest, active);
    return this.#report(manifest, active);
  }

  /** Removes from the copy what this manifest does not list. */
  #forget(manifest: Manifest): void {
    const listed = new Map(manifest.sealed.map((entry) => [entry.baseOffset, entry]));
    for (const [baseOffset, { entry }] of this.#taken) {
      const now = listed.get(baseOffset);
      if (now?.bytes === entry.bytes && now.generation === entry.generation) continue;
      this.#remove(entry);
      this.#taken.delete(baseOffset);
    }
    if (this.#activePath !== undefined) removeIfThere(this.#task.disk, this.#activePath);
  }

  /** Links or copies a sealed segment. @returns `undefined` when it is missing */
  async #take(manifest: Manifest, entry: SealedEntry): Promise<TakenSegment | undefined> {
    if (this.#shared?.has(entry) && this.#link(this.#shared.place, entry)) {
      return { entry, isLinked: true, bytes: entry.bytes, problems: [] };
    }
    const copied = await copySealed(this.#route, manifest, entry);
    return copied === undefined ? undefined : { entry, isLinked: false, ...copied };
  }

  /**
   * @returns whether that was possible: not every file system can, and none without end; and a
   * segment that was damaged when it was copied has no index, so that it is copied, and told, again
   */
  #link(earlier: LogPlace, segment: SegmentName): boolean {
    const { disk } = this.#task;
    const { to } = this.#route;
    try {
      disk.link(segmentPath(earlier, segment), segmentPath(to, segment));
      disk.link(indexPath(earlier, segment), indexPath(to, segment));
      return true;
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      this.#remove(segment);
      return false;
    }
  }

  #remove(segment: SegmentName): void {
    const { disk } = this.#task;
    removeIfThere(disk, segmentPath(this.#route.to, segment));
    removeIfThere(disk, indexPath(this.#route.to, segment));
  }

  /** What is told of a segment that is not there. */
  #missing(
    manifest: Manifest,
    segment: SegmentName & { readonly nextOffset: number | undefined },
  ): CopiedSegment {
    const { baseOffset: start, generation, nextOffset: end } = segment;
    const found = new Problems();
    const verifier = new SegmentVerifier(this.#route.from, manifest, found);
    verifier.unread({ start, generation, end, otherwise: "damage" }, "the file is missing");
    return { bytes: 0, problems: found.all };
  }

  /** Whether no record was removed since this manifest was read, and the owner is still the same. */
  #isCurrent(manifest: Manifest): boolean {
    const now = manifestOf(this.#task.disk, this.#task.from);
    return typeof now !== "string" && historyOf(now) === historyOf(manifest);
  }

  /** Damage counts when it is seen twice: the first time, a write may have been under way. */
  #isSure(active: CopiedActive | undefined): boolean {
    const damage = JSON.stringify(active?.problems ?? "missing");
    const isSure = active?.problems.length === 0 || damage === this.#damageBefore;
    this.#damageBefore = damage;
    return isSure;
  }

  /** Cuts the active segment where its whole batches end, and says so in the manifest. */
  async #finish(manifest: Manifest, active: CopiedActive | undefined): Promise<void> {
    const { disk, to } = this.#task;
    if (active !== undefined) {
      const file = disk.open(this.#activePath!, "write");
      try {
        if (active.end !== undefined) file.truncate(active.end.bytes);
        await file.sync();
      } finally {
        file.close();
      }
    }
    if (active?.end === undefined) return await writeManifest(disk, to, manifest);
    await writeNewFile(
      disk,
      indexPath(this.#route.to, { baseOffset: manifest.activeBaseOffset }),
      active.index!,
    );
    const { end: clean, producers } = active;
    await writeManifest(disk, to, { ...manifest, clean, producers });
  }

  #report(manifest: Manifest, active: CopiedActive | undefined): LogCopy {
    const sealed = [...this.#taken.values()];
    const bytesOf = (segments: readonly CopiedSegment[]) =>
      segments.reduce((sum, { bytes }) => sum + bytes, 0);
    const { activeBaseOffset: baseOffset, clean } = manifest;
    const last = active ?? this.#missing(manifest, { baseOffset, nextOffset: clean?.nextOffset });
    return {
      copiedBytes: bytesOf([...sealed.filter(({ isLinked }) => !isLinked), last]),
      linkedBytes: bytesOf(sealed.filter(({ isLinked }) => isLinked)),
      problems: [...sealed, last].flatMap(({ problems }) => problems),
    };
  }
}

/** All that a manifest says but for what appending changes. */
function historyOf(manifest: Manifest): string {
  const sealed = manifest.sealed.filter(({ generation }) => generation > 0);
  return JSON.stringify({ ...manifest, sealed, activeBaseOffset: 0, producers: 0, clean: 0 });
}

/** The manifest, or in words why there is none to go by. */
function manifestOf(disk: Disk, folder: string): Manifest | string {
  try {
    return readManifest(disk, folder) ?? "it is missing";
  } catch (error) {
    if (error instanceof SeglogError && error.code === "corrupt") return messageOf(error);
    throw error;
  }
}

/** Copies the files of a log whose manifest cannot tell what they are. */
async function copyAsItIs(task: LogCopyTask, complaint: string): Promise<LogCopy> {
  const { disk, from, to, onBytes } = task;
  let copiedBytes = 0;
  for (const { name, isFolder } of disk.list(from) ?? []) {
    if (isFolder) continue;
    const target = join(to, name);
    removeIfThere(disk, target);
    copiedBytes += await copyFile(disk, { from: join(from, name), to: target }, onBytes);
  }
  await disk.syncFolder(to);
  const path = join(from, MANIFEST_FILE);
  const problems: VerifyProblem[] = [{ severity: "damage", path, message: complaint }];
  return { copiedBytes, linkedBytes: 0, problems };
}
