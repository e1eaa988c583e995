/**
 * Reads every byte of a store, or of one log, and says what is wrong. Nothing is changed and no
 * lock is needed.
 *
 * @module
 */
import { join } from "node:path";
import { EMPTY_BYTES, equalBytes } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import { OUTSIDE_LOOKS_MAX } from "../base/limits.ts";
import type { Disk } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import {
  CATALOGUE_FILE,
  LOCK_FILE,
  MANIFEST_FILE,
  parseCompanionFileName,
  parseSegmentFileName,
  QUARANTINE_FOLDER,
  segmentFileName,
  type SegmentName,
  UNFINISHED_FILE,
} from "../format/file_names.ts";
import {
  isWholeChain,
  type Manifest,
  readManifest,
  readManifestBytes,
  type SealedEntry,
} from "../log/manifest.ts";
import { holdsLog } from "../log/no_log.ts";
import { type Catalogue, readCatalogue } from "./catalogue.ts";
import { isHintFile } from "./hint_files.ts";
import { existingCatalogue, partitionFolders } from "./topic_registry.ts";
import { Problems, type VerifiedPartition, type VerifyReport } from "./verify_report.ts";
import { SegmentVerifier } from "./verify_segment.ts";

/**
 * Verifies a store's folder, or one log's.
 *
 * @throws {SeglogError} `not-found` when neither is there
 */
export function verify(path: string, options: { disk?: Disk } = {}): VerifyReport {
  const run = new Verification(options.disk ?? nodeDisk);
  if (holdsLog(run.disk, path)) run.log(path);
  else run.store(path);
  const { partitions, problems } = run;
  return { ok: !problems.hasDamage, partitions, problems: problems.all };
}

/** What a store has beside its topics; the mark of a copy says nothing beside a catalogue. */
const STORE_FILES = new Set([CATALOGUE_FILE, LOCK_FILE, UNFINISHED_FILE]);

class Verification {
  readonly disk: Disk;
  readonly partitions: VerifiedPartition[] = [];
  readonly problems = new Problems();
  /** Whether what was read is not the log any more. */
  #isOvertaken = false;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  store(folder: string): void {
    const catalogue = this.problems.attempt(
      { path: join(folder, CATALOGUE_FILE) },
      () => readCatalogue(this.disk, folder),
    );
    if (catalogue === undefined) {
      if (!this.problems.hasDamage) {
        throw new SeglogError("not-found", `Cannot verify ${folder}: no store and no log is there`);
      }
      // Which topics there are is not known; what looks like one is read all the same.
      for (const { name, isFolder } of this.disk.list(folder) ?? []) {
        if (isFolder && holdsLog(this.disk, join(folder, name))) this.log(join(folder, name));
      }
      return;
    }
    const expected = foldersOf(catalogue);
    for (const name of expected) {
      const look = new Verification(this.disk);
      look.log(join(folder, name));
      if (look.problems.hasDamage && !this.#isListed(folder, name)) continue; // deleted meanwhile
      this.#add(look);
    }
    for (const { name } of this.disk.list(folder) ?? []) {
      if (expected.has(name) || STORE_FILES.has(name)) continue;
      const message = name === QUARANTINE_FOLDER
        ? "it holds a catalogue that repair replaced, or topics that were set aside"
        : "it is not part of the store; it was left alone";
      this.problems.notice({ path: join(folder, name) }, message);
    }
  }

  /** The owner may drop segments meanwhile: what is missing counts when the manifest still lists it. */
  log(folder: string): void {
    for (let looks = 1;; looks++) {
      const before = this.#manifestBytes(folder);
      const look = new Verification(this.disk);
      look.#look(folder);
      const isMoved = (look.problems.hasDamage || look.#isOvertaken) &&
        !equalBytes(before, this.#manifestBytes(folder));
      if (!isMoved || looks === OUTSIDE_LOOKS_MAX) return this.#add(look);
    }
  }

  #add({ partitions, problems }: Verification): void {
    this.partitions.push(...partitions);
    this.problems.all.push(...problems.all);
  }

  /** Whether a segment is one of the log's at this moment, as far as the manifest can be believed. */
  #isSealed(folder: string, { baseOffset, generation }: SealedEntry): boolean {
    try {
      const sealed = readManifest(this.disk, folder)?.sealed ?? [];
      return sealed.some((entry) =>
        entry.baseOffset === baseOffset && entry.generation === generation
      );
    } catch (error) {
      if (error instanceof SeglogError) return true; // the next look tells what is wrong
      throw error;
    }
  }

  /** Whether a folder is a topic's at this moment. */
  #isListed(folder: string, name: string): boolean {
    return foldersOf(existingCatalogue(this.disk, folder)).has(name);
  }

  #manifestBytes(folder: string): Uint8Array {
    try {
      return readManifestBytes(this.disk, folder) ?? EMPTY_BYTES;
    } catch (error) {
      if (error instanceof SeglogError) return EMPTY_BYTES; // a look tells what is wrong
      throw error;
    }
  }

  #look(folder: string): void {
    const { problems } = this;
    const path = join(folder, MANIFEST_FILE);
    if (this.disk.sizeOf(path) === undefined) return problems.damage({ path }, "it is missing");
    const manifest = problems.attempt({ path }, () => readManifest(this.disk, folder));
    if (manifest === undefined) return;
    if (!isWholeChain(manifest)) problems.damage({ path }, "its segments do not join");
    const place = { disk: this.disk, folder, logId: manifest.logId };
    for (const { start, end } of manifest.lost) {
      const message = "they were lost, and given up by a repair";
      problems.notice({ path: folder, start, end }, message);
    }
    const verifier = new SegmentVerifier(place, manifest, problems);
    const segments = manifest.sealed.map((entry) => {
      const before = problems.all.length;
      const segment = verifier.sealed(entry);
      if (problems.all.length > before && !this.#isSealed(folder, entry)) {
        problems.all.length = before; // compaction took it meanwhile, or retention
        this.#isOvertaken = true;
      }
      return segment;
    });
    const active = verifier.active();
    segments.push(active);
    this.partitions.push({
      path: folder,
      segments: segments.length,
      records: segments.reduce((sum, segment) => sum + segment.records, 0),
      bytes: segments.reduce((sum, segment) => sum + segment.bytes, 0),
      nextOffset: active.nextOffset,
    });
    this.#strayFiles(folder, manifest);
  }

  #strayFiles(folder: string, manifest: Manifest): void {
    const active: SegmentName = { baseOffset: manifest.activeBaseOffset };
    const listed = new Set([...manifest.sealed, active].map((segment) => segmentFileName(segment)));
    for (const { name } of this.disk.list(folder) ?? []) {
      if (name === MANIFEST_FILE || name === LOCK_FILE || isHintFile(name)) continue;
      const segment = parseSegmentFileName(name) ?? parseCompanionFileName(name);
      if (segment !== undefined && listed.has(segmentFileName(segment))) continue;
      const what = name === QUARANTINE_FOLDER
        ? "it holds bytes that recovery or repair cut off"
        : segment !== undefined
        ? `no segment ${segmentFileName(segment)} is in the manifest`
        : "it is not part of the log; it was left alone";
      this.problems.notice({ path: join(folder, name) }, what);
    }
  }
}

/** The folders of the partitions of all topics. */
function foldersOf({ topics }: Catalogue): Set<string> {
  return new Set(topics.flatMap(partitionFolders));
}
