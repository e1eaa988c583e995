/**
 * A log that another process may own: read without its lock, never written.
 *
 * The manifest says which segments there are; the end of the active one is found by checking what
 * its owner has written since the last look. A batch that is not whole yet is simply not there yet.
 *
 * @module
 */
import { equalBytes } from "../base/bytes.ts";
import { sleep } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { OUTSIDE_LOOKS_MAX, OUTSIDE_POLL_MS } from "../base/limits.ts";
import type { Disk } from "../disk/disk.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { Gap } from "./gaps.ts";
import { loadIndex } from "./index_file.ts";
import { decodeManifest, type Manifest, noLog, readManifestBytes } from "./manifest.ts";
import { scanBatches, scanTail } from "./scan.ts";
import { type LogPlace, openSegmentFile, type ReadableSegment } from "./segment_file.ts";
import { ActiveSegment, SealedSegment } from "./segments.ts";
import { SparseIndex } from "./sparse_index.ts";
import type { LogView } from "./view.ts";

/** What one look at the manifest found, with the segments that it lists. */
interface Look {
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
  readonly sealed: readonly SealedSegment[];
  readonly active: OutsideActive;
  /** The sealed segments and the active one. */
  readonly segments: readonly ReadableSegment[];
}

/** A log seen from outside. */
export class OutsideView implements LogView {
  readonly name: string;
  readonly #disk: Disk;
  readonly #folder: string;
  #look: Look;
  #failure: SeglogError | undefined;

  /** @throws {SeglogError} `not-found` when there is no log; `corrupt` or `unsupported` */
  constructor(name: string, folder: string, disk: Disk) {
    this.name = name;
    this.#disk = disk;
    this.#folder = folder;
    this.#look = this.#lookAgain(undefined);
  }

  get logStartOffset(): number {
    return this.#look.manifest.logStartOffset;
  }

  get nextOffset(): number {
    return Math.max(this.#look.active.segment.nextOffset, this.logStartOffset);
  }

  /** What is known to be durable: the owner notes it with a delay of one batch. */
  get durableOffset(): number {
    return Math.max(this.#look.active.durableOffset, this.logStartOffset);
  }

  get gaps(): readonly Gap[] {
    return this.#look.manifest.gaps;
  }

  get segments(): readonly ReadableSegment[] {
    return this.#look.segments;
  }

  refresh(): void {
    this.checkOpen();
    const before = this.#look;
    this.#look = this.#lookAgain(before);
    for (const segment of before.segments) {
      if (!this.segments.includes(segment)) segment.close();
    }
  }

  async changed(signal?: AbortSignal): Promise<void> {
    const before = { next: this.nextOffset, start: this.logStartOffset };
    while (!signal?.aborted) {
      await sleep(OUTSIDE_POLL_MS, signal);
      if (signal?.aborted) return;
      this.refresh();
      if (this.nextOffset !== before.next || this.logStartOffset !== before.start) return;
    }
  }

  checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#failure ??= new SeglogError("closed", `Cannot use ${this.name}: the log is closed`);
    for (const segment of this.segments) segment.close();
  }

  /**
   * Looks at the manifest and the end of the active segment. The owner may roll and drop segments
   * in between: what is missing then counts only when the manifest still lists it.
   */
  #lookAgain(before: Look | undefined): Look {
    for (let looks = 1;; looks++) {
      const bytes = readManifestBytes(this.#disk, this.#folder);
      if (bytes === undefined) throw noLog(this.#folder);
      if (before !== undefined && equalBytes(bytes, before.bytes)) {
        before.active.scan();
        return before;
      }
      try {
        return this.#open(bytes, before);
      } catch (error) {
        const now = readManifestBytes(this.#disk, this.#folder);
        const isStale = now === undefined || !equalBytes(now, bytes);
        if (!isStale || looks === OUTSIDE_LOOKS_MAX) throw error;
      }
    }
  }

  /** Segments as the manifest has them; those that were open already stay open. */
  #open(bytes: Uint8Array, before: Look | undefined): Look {
    const manifest = decodeManifest(bytes, this.#folder);
    if (before !== undefined && before.manifest.logId !== manifest.logId) {
      this.#failure = new SeglogError(
        "not-found",
        `Cannot go on reading ${this.name}: it was deleted, and another was made in its place; open it again`,
      );
      throw this.#failure;
    }
    const place = { disk: this.#disk, folder: this.#folder, logId: manifest.logId };
    const known = new Map(before?.sealed.map((segment) => [segment.baseOffset, segment]));
    const sealed = manifest.sealed.map((entry) =>
      known.get(entry.baseOffset) ?? new SealedSegment(place, entry)
    );
    const isSame = before?.manifest.activeBaseOffset === manifest.activeBaseOffset;
    const active = isSame ? before!.active : new OutsideActive(place, manifest);
    active.scan();
    return { bytes, manifest, sealed, active, segments: [...sealed, active.segment] };
  }
}

/** The active segment of another process: its end moves when a look finds more whole batches. */
class OutsideActive {
  readonly segment: ActiveSegment;
  durableOffset: number;
  #epoch = 0;

  constructor(place: LogPlace, manifest: Manifest) {
    const { activeBaseOffset: baseOffset, clean } = manifest;
    const file = openSegmentFile(place, baseOffset, "read");
    const known = clean === null
      ? undefined
      : loadIndex(place, file, { baseOffset, bytes: clean.bytes });
    const isKnown = clean !== null && known !== undefined &&
      scanTail(file, known, clean) !== undefined;
    const end = isKnown ? clean : { bytes: SEGMENT_HEADER_BYTES, nextOffset: baseOffset };
    const index = isKnown ? known : new SparseIndex(baseOffset);
    this.segment = new ActiveSegment(place, baseOffset, { file, index, end });
    this.durableOffset = end.nextOffset;
  }

  /** Goes on from the last whole batch. What cannot be believed may still be being written. */
  scan(): void {
    const { segment } = this;
    const { file, salt } = segment.source();
    const size = file.size();
    if (size <= segment.bytes) return;
    const start = { bytes: segment.bytes, nextOffset: segment.nextOffset, epoch: this.#epoch };
    const end = scanBatches({ file, salt }, start, size, ({ header }, position) => {
      segment.extend(header, position);
      if (header.durableUpTo >= position) this.durableOffset = header.baseOffset;
    });
    this.#epoch = end.epoch;
  }
}
