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
import { BATCH_HEADER_BYTES } from "../format/batch_header.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { BatchView } from "../format/batch.ts";
import type { Gap } from "./gaps.ts";
import { type Damage, isCorrupt } from "./damage.ts";
import { buildIndex, loadIndex } from "./index_file.ts";
import { decodeManifest, type Manifest, readManifestBytes } from "./manifest.ts";
import { noLog } from "./no_log.ts";
import type { OpenFiles } from "./open_files.ts";
import { scanBatches, scanTail } from "./scan.ts";
import { scanPastDamage } from "./scan_active.ts";
import { type LogPlace, openSegmentFile, type ReadableSegment } from "./segment_file.ts";
import { ActiveSegment, SealedSegment } from "./segments.ts";
import { SparseIndex } from "./sparse_index.ts";
import { isUnused } from "./unused_space.ts";
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
  readonly #files: OpenFiles;
  #look: Look;
  #failure: SeglogError | undefined;

  /** @throws {SeglogError} `not-found` when there is no log; `corrupt` or `unsupported` */
  constructor(name: string, folder: string, { disk, files }: { disk: Disk; files: OpenFiles }) {
    this.name = name;
    this.#disk = disk;
    this.#folder = folder;
    this.#files = files;
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

  get lost(): readonly Gap[] {
    return this.#look.manifest.lost;
  }

  get compactedTo(): number {
    return this.#look.manifest.compactedTo;
  }

  get truncations(): number {
    return this.#look.manifest.truncations;
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
    const [name, disk, folder] = [this.name, this.#disk, this.#folder];
    for (let looks = 1;; looks++) {
      const bytes = readManifestBytes(disk, folder);
      if (bytes === undefined) throw before === undefined ? noLog(disk, folder) : gone(name);
      if (before !== undefined && equalBytes(bytes, before.bytes)) {
        before.active.scan();
        return before;
      }
      try {
        return this.#open(bytes, before);
      } catch (error) {
        const now = readManifestBytes(disk, folder);
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
    const sealed = manifest.sealed.map((entry) => {
      const segment = known.get(entry.baseOffset);
      // A repair makes one end earlier, a compaction writes it anew.
      const isSame = segment?.bytes === entry.bytes && segment.generation === entry.generation;
      return isSame ? segment! : new SealedSegment(place, entry, this.#files);
    });
    const active = isSameActive(before, manifest)
      ? before.active
      : openActive(place, manifest, this.#files);
    try {
      active.scan();
    } catch (error) {
      if (active !== before?.active) active.segment.close();
      throw error;
    }
    return { bytes, manifest, sealed, active, segments: [...sealed, active.segment] };
  }
}

/** A repair, which replaces files, and whatever else is between two openings raises the epoch. */
function isSameActive(before: Look | undefined, manifest: Manifest): before is Look {
  return before !== undefined && before.active.canGrow &&
    before.manifest.activeBaseOffset === manifest.activeBaseOffset &&
    before.manifest.epoch === manifest.epoch;
}

function gone(name: string): SeglogError {
  return new SeglogError("not-found", `Cannot go on reading ${name}: it was deleted`);
}

/** The active segment of a log as it is seen from outside. */
interface OutsideActive {
  readonly segment: ReadableSegment;
  readonly durableOffset: number;
  /** Whether its owner may add to it. */
  readonly canGrow: boolean;
  /** Looks for what its owner added. */
  scan(): void;
}

/**
 * @throws {SeglogError} `corrupt` when the segment cannot be opened, and nothing but its own bytes
 * could tell where it ends
 */
function openActive(place: LogPlace, manifest: Manifest, files: OpenFiles): OutsideActive {
  try {
    return new GrowingActive(place, manifest);
  } catch (error) {
    const { activeBaseOffset: baseOffset, clean } = manifest;
    if (clean === null || !isCorrupt(error)) throw error;
    // Its records cannot be read, but it is known which they are, and all others can be.
    const { nextOffset, bytes, records = nextOffset - baseOffset } = clean;
    const entry = {
      baseOffset,
      generation: 0,
      nextOffset,
      records,
      bytes,
      maxTimestampMs: Infinity,
    };
    const segment = new SealedSegment(place, entry, files);
    return { segment, durableOffset: clean.nextOffset, canGrow: false, scan() {} };
  }
}

/** An active segment whose end moves when a look finds more whole batches. */
class GrowingActive implements OutsideActive {
  readonly segment: ActiveSegment;
  readonly canGrow = true;
  durableOffset: number;
  #epoch = 0;
  #watermark: number;
  readonly #reached: number;
  #sizeSeen = 0;
  /** Where the last look found bytes that could not be believed. */
  #stuckAt: number | undefined;

  constructor(place: LogPlace, manifest: Manifest) {
    const { activeBaseOffset: baseOffset, clean } = manifest;
    const file = openSegmentFile(place, { baseOffset }, "read");
    const end = clean ?? { bytes: SEGMENT_HEADER_BYTES, nextOffset: baseOffset };
    let index = new SparseIndex(baseOffset);
    try {
      const segment = { baseOffset, ...end };
      if (clean !== null) {
        const known = loadIndex(place, file, segment);
        const isTrue = known !== undefined && scanTail(file, known, clean) !== undefined;
        index = isTrue ? known : buildIndex(file, segment);
      }
    } catch (error) {
      file.file.close();
      throw error;
    }
    this.segment = new ActiveSegment(place, baseOffset, { file, index, end });
    this.durableOffset = end.nextOffset;
    this.#watermark = end.bytes;
    this.#reached = manifest.logStartOffset;
  }

  /** Goes on from the last whole batch. What cannot be believed may still be being written. */
  scan(): void {
    const { segment } = this;
    const source = segment.source();
    const size = source.file.size();
    if (size <= segment.bytes || (size === this.#sizeSeen && !this.#isMore())) return;
    const { bytes, nextOffset } = segment;
    const [epoch, watermark, reached] = [this.#epoch, this.#watermark, this.#reached];
    const start = { bytes, nextOffset, epoch, watermark, reached };
    const batch = ({ header }: BatchView, position: number) => {
      segment.extend(header, position);
      if (header.durableUpTo >= position) this.durableOffset = header.baseOffset;
    };
    const damage = (_: Damage, end: { bytes: number; nextOffset: number }) => segment.passOver(end);
    // Only more bytes can show what looked like a write under way to be damage.
    const end = size === this.#sizeSeen && bytes !== this.#stuckAt
      ? scanBatches(source, start, size, batch)
      : scanPastDamage(source, start, size, { batch, damage });
    this.#stuckAt = end.complaint !== undefined && this.#isMore() ? end.bytes : undefined;
    this.#sizeSeen = size;
    this.#epoch = end.epoch;
    this.#watermark = Math.max(this.#watermark, end.watermark);
  }

  /** Whether something is written where the batches end: its owner may have taken space ahead. */
  #isMore(): boolean {
    const { bytes } = this.segment;
    const header = new Uint8Array(BATCH_HEADER_BYTES);
    const length = this.segment.source().file.read(header, bytes);
    return !isUnused(header.subarray(0, length), bytes);
  }
}
