/**
 * A log that another process may own: read without its lock, never written.
 *
 * The manifest says which segments there are; the end of the active one is found by checking what
 * its owner has written since the last look. A batch that is not whole yet is simply not there yet.
 *
 * @module
 */
import { join } from "node:path";
import { sleep } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import { OUTSIDE_POLL_MS } from "../base/limits.ts";
import type { Disk } from "../disk/disk.ts";
import { MANIFEST_FILE } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { Gap } from "./gaps.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { scanBatches } from "./scan.ts";
import {
  ActiveSegment,
  loadIndex,
  type LogPlace,
  openSegmentFile,
  type ReadableSegment,
  SealedSegment,
} from "./segments.ts";
import { SparseIndex } from "./sparse_index.ts";
import type { LogView } from "./view.ts";

/** A log seen from outside. */
export class OutsideView implements LogView {
  readonly name: string;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #closing = new AbortController();
  #manifest: Manifest;
  #sealed: readonly SealedSegment[] = [];
  #active: OutsideActive;
  #segments: readonly ReadableSegment[] = [];

  /** @throws {SeglogError} `not-found` when there is no log; `corrupt` or `unsupported` */
  constructor(name: string, folder: string, disk: Disk) {
    this.name = name;
    this.#disk = disk;
    this.#folder = folder;
    this.#manifest = this.#readManifest();
    this.#active = this.#openSegments(this.#manifest);
  }

  get logStartOffset(): number {
    return this.#manifest.logStartOffset;
  }

  get nextOffset(): number {
    return Math.max(this.#active.segment.nextOffset, this.#manifest.logStartOffset);
  }

  /** What is known to be durable: the owner notes it with a delay of one batch. */
  get durableOffset(): number {
    return Math.max(this.#active.durableOffset, this.#manifest.logStartOffset);
  }

  get gaps(): readonly Gap[] {
    return this.#manifest.gaps;
  }

  get segments(): readonly ReadableSegment[] {
    return this.#segments;
  }

  refresh(): void {
    this.checkOpen();
    const manifest = this.#readManifest();
    if (JSON.stringify(manifest) !== JSON.stringify(this.#manifest)) {
      const before = this.#segments;
      const active = this.#openSegments(manifest);
      this.#manifest = manifest;
      this.#active = active;
      for (const segment of before) if (!this.#segments.includes(segment)) segment.close();
    }
    this.#active.scan();
  }

  async changed(signal?: AbortSignal): Promise<void> {
    const before = { next: this.nextOffset, start: this.logStartOffset };
    const signals = signal === undefined ? [] : [signal];
    const ending = AbortSignal.any([this.#closing.signal, ...signals]);
    while (!ending.aborted) {
      await sleep(OUTSIDE_POLL_MS, ending);
      if (ending.aborted) break;
      this.refresh();
      if (this.nextOffset !== before.next || this.logStartOffset !== before.start) return;
    }
    this.checkOpen();
  }

  checkOpen(): void {
    if (!this.#closing.signal.aborted) return;
    throw new SeglogError("closed", `Cannot use ${this.name}: the log is closed`);
  }

  close(): void {
    this.#closing.abort();
    for (const segment of this.#segments) segment.close();
  }

  #readManifest(): Manifest {
    const manifest = readManifest(this.#disk, this.#folder);
    if (manifest !== undefined) return manifest;
    throw new SeglogError(
      "not-found",
      `Cannot open ${this.#folder}: no log is there (no ${join(this.#folder, MANIFEST_FILE)})`,
    );
  }

  /** Segments as the manifest has them; those that were open already stay open. */
  #openSegments(manifest: Manifest): OutsideActive {
    const place = { disk: this.#disk, folder: this.#folder, logId: manifest.logId };
    const known = new Map(this.#sealed.map((segment) => [segment.baseOffset, segment]));
    const sealed = manifest.sealed.map((entry) =>
      known.get(entry.baseOffset) ?? new SealedSegment(place, entry)
    );
    const isSame = this.#segments.length > 0 &&
      this.#manifest.activeBaseOffset === manifest.activeBaseOffset;
    const active = isSame ? this.#active : new OutsideActive(place, manifest);
    if (!isSame) active.scan();
    this.#sealed = sealed;
    this.#segments = [...sealed, active.segment];
    return active;
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
    const isKnown = clean !== null && known !== undefined && file.file.size() >= clean.bytes;
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
