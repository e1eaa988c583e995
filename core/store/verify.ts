/**
 * Reads every byte of a store, or of one log, and says what is wrong. Nothing is changed and no
 * lock is needed.
 *
 * @module
 */
import { join } from "node:path";
import { messageOf, SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import type { BatchView } from "../format/batch.ts";
import {
  CATALOGUE_FILE,
  LOCK_FILE,
  MANIFEST_FILE,
  parseIndexFileName,
  parseSegmentFileName,
  partitionFolderName,
  QUARANTINE_FOLDER,
  segmentFileName,
} from "../format/file_names.ts";
import { BlockReader } from "../log/block_reader.ts";
import { isWholeChain, type Manifest, readManifest, type SealedEntry } from "../log/manifest.ts";
import { loadIndex } from "../log/index_file.ts";
import { judgeActive } from "../log/recovery.ts";
import {
  type LogPlace,
  openSegmentFile,
  type SegmentFile,
  segmentPath,
} from "../log/segment_file.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { readCatalogue } from "./catalogue.ts";

/** Something that is not as it should be: `damage` loses data, a `notice` does not. */
export interface VerifyProblem {
  /** Whether data is lost. */
  readonly severity: "damage" | "notice";
  /** The file or folder. */
  readonly path: string;
  /** Byte position in the file. */
  readonly position?: number;
  /** Offsets `[start, end)` that cannot be read: they are damaged, or a repair gave them up. */
  readonly start?: number;
  /** See `start`. */
  readonly end?: number;
  /** What is wrong. */
  readonly message: string;
}

/** What is in one partition. */
export interface VerifiedPartition {
  /** Its folder. */
  readonly path: string;
  /** Segments, the active one included. */
  readonly segments: number;
  /** Records that could be read, those below the first readable offset included. */
  readonly records: number;
  /** Bytes of its segments. */
  readonly bytes: number;
  /** The offset that the next record gets. */
  readonly nextOffset: number;
}

/** What a verification found. */
export interface VerifyReport {
  /** Whether there is no damage. */
  readonly ok: boolean;
  /** What is in each partition. */
  readonly partitions: readonly VerifiedPartition[];
  /** What is not as it should be, in the order in which it was found. */
  readonly problems: readonly VerifyProblem[];
}

/**
 * Verifies a store's folder, or one log's.
 *
 * @throws {SeglogError} `not-found` when neither is there
 */
export function verify(path: string, options: { disk?: Disk } = {}): VerifyReport {
  const run = new Verification(options.disk ?? nodeDisk);
  if (run.disk.sizeOf(join(path, MANIFEST_FILE)) !== undefined) run.log(path);
  else run.store(path);
  const ok = run.problems.every((problem) => problem.severity !== "damage");
  return { ok, partitions: run.partitions, problems: run.problems };
}

/** How far the batches of a segment must reach. */
interface Extent {
  /** Bytes of the file that count. */
  readonly end: number;
  /** Bytes that were synced: what is wrong before is damage. */
  readonly durableUpTo: number;
  /** Offset after the last record, where it is known. */
  readonly nextOffset: number | undefined;
}

class Verification {
  readonly disk: Disk;
  readonly partitions: VerifiedPartition[] = [];
  readonly problems: VerifyProblem[] = [];

  constructor(disk: Disk) {
    this.disk = disk;
  }

  store(folder: string): void {
    const catalogue = this.#attempt(folder, () => readCatalogue(this.disk, folder));
    if (catalogue === undefined) {
      if (this.problems.length > 0) return;
      throw new SeglogError("not-found", `Cannot verify ${folder}: no store and no log is there`);
    }
    const expected = new Set<string>();
    for (const { name, config } of catalogue.topics) {
      for (let partition = 0; partition < config.partitions; partition++) {
        expected.add(partitionFolderName(name, partition));
      }
    }
    for (const name of expected) this.log(join(folder, name));
    for (const { name } of this.disk.list(folder) ?? []) {
      if (expected.has(name) || name === CATALOGUE_FILE || name === LOCK_FILE) continue;
      const what = name === QUARANTINE_FOLDER
        ? "it holds a catalogue that repair replaced"
        : "it is not part of the store; it was left alone";
      this.#notice(join(folder, name), what);
    }
  }

  log(folder: string): void {
    const manifest = this.#attempt(folder, () => readManifest(this.disk, folder));
    if (manifest === undefined) {
      const path = join(folder, MANIFEST_FILE);
      if (this.disk.sizeOf(path) === undefined) this.#damage({ path, message: "it is missing" });
      return;
    }
    const place = { disk: this.disk, folder, logId: manifest.logId };
    if (!isWholeChain(manifest)) {
      this.#damage({ path: join(folder, MANIFEST_FILE), message: "its segments do not join" });
    }
    for (const { start, end } of manifest.lost) {
      const message = "they were lost, and given up by a repair";
      this.problems.push({ severity: "notice", path: folder, start, end, message });
    }
    let records = 0;
    let bytes = 0;
    for (const entry of manifest.sealed) {
      const read = this.#segment(place, entry.baseOffset, entry);
      records += read.records;
      bytes += read.bytes;
    }
    const active = this.#segment(place, manifest.activeBaseOffset, manifest);
    this.partitions.push({
      path: folder,
      segments: manifest.sealed.length + 1,
      records: records + active.records,
      bytes: bytes + active.bytes,
      nextOffset: active.nextOffset,
    });
    this.#strayFiles(folder, manifest);
  }

  /** @param of how a sealed segment must end; the manifest for the active one */
  #segment(
    place: LogPlace,
    baseOffset: number,
    of: SealedEntry | Manifest,
  ): { records: number; bytes: number; nextOffset: number } {
    const path = segmentPath(place, baseOffset);
    const sealed = "bytes" in of ? of : undefined;
    const opened = this.#attempt(path, () => openSegmentFile(place, baseOffset, "read"));
    if (opened === undefined) {
      return { records: 0, bytes: 0, nextOffset: sealed?.nextOffset ?? baseOffset };
    }
    const { file } = opened;
    try {
      const size = file.size();
      const end = Math.min(sealed?.bytes ?? size, size);
      const extent = "bytes" in of
        ? { durableUpTo: of.bytes, nextOffset: of.nextOffset }
        : this.#activeExtent(opened, of);
      const read = this.#batches(path, opened, { baseOffset, end, ...extent });
      if (sealed !== undefined) {
        this.#checkIndex(place, opened, { baseOffset, bytes: sealed.bytes });
      }
      return { ...read, bytes: end };
    } finally {
      file.close();
    }
  }

  /** What of the active segment was known to be durable: only behind that can a torn tail be. */
  #activeExtent(source: SegmentFile, manifest: Manifest): Omit<Extent, "end"> {
    const active = { manifest, size: source.file.size() };
    const { end } = judgeActive(source, active, () => {});
    return { durableUpTo: end.watermark, nextOffset: manifest.clean?.nextOffset };
  }

  #batches(
    path: string,
    source: SegmentFile,
    segment: Extent & { readonly baseOffset: number },
  ): { records: number; nextOffset: number } {
    const { end, durableUpTo } = segment;
    const reader = new BlockReader(source);
    let nextOffset = segment.baseOffset;
    let records = 0;
    let position = SEGMENT_HEADER_BYTES;
    while (position < end) {
      const batch = reader.batchAt(position, end);
      const complaint = position >= durableUpTo ? complaintOf(batch) : undefined;
      if (complaint !== undefined) {
        const message = `${end - position} bytes at its end are no whole batch (${complaint}): ` +
          "a torn tail, or damage";
        this.#notice(path, message, position);
        return { records, nextOffset };
      }
      if (typeof batch === "string") {
        const next = reader.seekBatch(position + 1, end);
        const offsets = { start: nextOffset, end: next?.header.baseOffset ?? segment.nextOffset };
        this.#damage({ path, position, ...offsets, message: batch });
        position = next?.position ?? end;
        nextOffset = offsets.end ?? nextOffset;
        continue;
      }
      if (batch.baseOffset !== nextOffset) {
        const message = `offsets ${nextOffset} to ${batch.baseOffset - 1} are missing`;
        this.#damage({ path, position, start: nextOffset, end: batch.baseOffset, message });
      }
      this.#attempt(path, () => {
        for (const _ of batch.records()) records++;
      }, position);
      nextOffset = batch.nextOffset;
      position += batch.bytes.length;
    }
    if (segment.nextOffset !== undefined && nextOffset < segment.nextOffset) {
      const offsets = { start: nextOffset, end: segment.nextOffset };
      this.#damage({ path, position, ...offsets, message: "the file ends too early" });
      return { records, nextOffset: segment.nextOffset };
    }
    return { records, nextOffset };
  }

  #checkIndex(
    place: LogPlace,
    file: Parameters<typeof loadIndex>[1],
    segment: { baseOffset: number; bytes: number },
  ): void {
    if (loadIndex(place, file, segment) !== undefined) return;
    this.#notice(
      segmentPath(place, segment.baseOffset),
      "its index is missing or stale; it is built again when needed",
    );
  }

  #strayFiles(folder: string, manifest: Manifest): void {
    const bases = new Set(manifest.sealed.map((entry) => entry.baseOffset));
    bases.add(manifest.activeBaseOffset);
    for (const { name } of this.disk.list(folder) ?? []) {
      if (name === MANIFEST_FILE || name === LOCK_FILE) continue;
      const base = parseSegmentFileName(name) ?? parseIndexFileName(name);
      if (base !== undefined && bases.has(base)) continue;
      const what = name === QUARANTINE_FOLDER
        ? "it holds bytes that recovery or repair cut off"
        : base !== undefined
        ? `no segment ${segmentFileName(base)} is in the manifest`
        : "it is not part of the log; it was left alone";
      this.#notice(join(folder, name), what);
    }
  }

  #attempt<T>(path: string, run: () => T, position?: number): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      const { start, end } = error.details as { start?: number; end?: number };
      this.#damage({ path, position, start, end, message: messageOf(error) });
      return undefined;
    }
  }

  #damage(problem: Omit<VerifyProblem, "severity">): void {
    this.problems.push({ severity: "damage", ...problem });
  }

  #notice(path: string, message: string, position?: number): void {
    this.problems.push({ severity: "notice", path, message, position });
  }
}

function complaintOf(batch: BatchView | string): string | undefined {
  if (typeof batch === "string") return batch;
  return batch.isIntact() ? undefined : "payload checksum does not match";
}
