/**
 * Reads every byte of a segment and says which records cannot be read, as a reader would find it.
 *
 * @module
 */
import { messageOf, SeglogError } from "../base/errors.ts";
import { BatchView } from "../format/batch.ts";
import type { SegmentName } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { BatchSource } from "../log/block_reader.ts";
import { type OpenDamage, presentOffsets } from "../log/damage.ts";
import type { OpenGap } from "../log/gaps.ts";
import { loadIndex } from "../log/index_file.ts";
import type { Manifest, SealedEntry } from "../log/manifest.ts";
import { closedInGoodOrder } from "../log/recovery.ts";
import { type ActiveScan, scanActive } from "../log/scan_active.ts";
import {
  type LogPlace,
  openSegmentFile,
  type SegmentFile,
  segmentPath,
} from "../log/segment_file.ts";
import { SegmentWalk } from "../log/segment_walk.ts";
import type { Problems } from "./verify_report.ts";

/** What is in a segment. */
export interface VerifiedSegment {
  readonly records: number;
  readonly bytes: number;
  readonly nextOffset: number;
}

/** A segment whose file cannot be read, with the offsets that it should hold. */
export interface UnreadSegment extends OpenGap {
  /** Of its file; 0 unless given. */
  readonly generation?: number;
  /** What that is when all of its records were removed: damage keeps writers out. */
  readonly otherwise: "damage" | "notice";
}

/** Gets each batch with its position, readable or not. */
export type BatchVisit = (batch: BatchView, position: number) => void;

/** One log whose segments are verified. */
export class SegmentVerifier {
  readonly #place: LogPlace;
  readonly #manifest: Manifest;
  readonly #problems: Problems;

  constructor(place: LogPlace, manifest: Manifest, problems: Problems) {
    this.#place = place;
    this.#manifest = manifest;
    this.#problems = problems;
  }

  /** A sealed segment is as long as the manifest says, and all of it was synced. */
  sealed(entry: SealedEntry): VerifiedSegment {
    const { baseOffset, generation, nextOffset, bytes } = entry;
    const unread = { records: 0, bytes: 0, nextOffset };
    const path = segmentPath(this.#place, entry);
    const size = this.#place.disk.sizeOf(path) ?? 0;
    const otherwise = size < bytes ? "damage" : "notice"; // a short one keeps writers out
    return this.#opened({ start: baseOffset, generation, end: nextOffset, otherwise }, (file) => {
      const records = this.readSealed(file, entry, otherwise);
      if (size > bytes) {
        const message = `${size - bytes} bytes at its end do not belong to it; they are not read`;
        this.#problems.notice({ path, position: bytes }, message);
      }
      this.#checkIndex(file, entry);
      return { records, bytes: Math.min(size, bytes), nextOffset };
    }) ?? unread;
  }

  /** The active segment may have a torn tail: what recovery would cut off is no damage. */
  active(): VerifiedSegment {
    const { activeBaseOffset: baseOffset, clean } = this.#manifest;
    const unread = { records: 0, bytes: 0, nextOffset: clean?.nextOffset ?? baseOffset };
    const place = { start: baseOffset, end: clean?.nextOffset, otherwise: "damage" } as const;
    return this.#opened(place, (file) => {
      const path = segmentPath(this.#place, { baseOffset });
      const size = file.file.size();
      const isScanned = closedInGoodOrder(this.#place, this.#manifest, file) === undefined;
      const found = this.readActive(file, size, isScanned ? "damage" : "notice");
      const { end: { bytes: position, complaint }, tornBytes } = found;
      if (tornBytes > 0) {
        const message =
          `${tornBytes} bytes at its end are no whole batch (${complaint}): a torn tail`;
        this.#problems.notice({ path, position }, message);
      }
      if (clean !== null) this.#checkIndex(file, { baseOffset, ...clean });
      return { records: found.records, bytes: size, nextOffset: found.nextOffset };
    }) ?? unread;
  }

  /**
   * Reads the batches of a sealed segment, or of a copy of it.
   *
   * @param otherwise what damage is when all of its records were removed
   * @returns how many records can be read
   */
  readSealed(
    source: BatchSource,
    entry: SealedEntry,
    otherwise: "damage" | "notice",
    visit: BatchVisit = () => {},
  ): number {
    const path = segmentPath(this.#place, entry);
    const start = { position: SEGMENT_HEADER_BYTES, offset: entry.baseOffset };
    const walk = new SegmentWalk(source, entry, start);
    let records = 0;
    for (const found of walk) {
      if (found instanceof BatchView) {
        const position = walk.position - found.bytes.length;
        visit(found, position);
        records += this.#records(path, found, position);
      } else this.#damaged(path, found, otherwise);
    }
    return records;
  }

  /** The same for the active segment, whose end is found here. */
  readActive(
    source: BatchSource,
    size: number,
    otherwise: "damage" | "notice",
    visit: BatchVisit = () => {},
  ): ActiveScan & { readonly records: number; readonly nextOffset: number } {
    const { activeBaseOffset, logStartOffset } = this.#manifest;
    const path = segmentPath(this.#place, { baseOffset: activeBaseOffset });
    let records = 0;
    let lostEnd = logStartOffset;
    const scan = scanActive(source, { manifest: this.#manifest, size }, {
      batch: (batch, position) => {
        visit(batch, position);
        records += this.#records(path, batch, position);
      },
      damage: (damage) => {
        lostEnd = Math.max(lostEnd, damage.end ?? 0);
        this.#damaged(path, damage, otherwise);
      },
    });
    return { ...scan, records, nextOffset: Math.max(scan.end.nextOffset, lostEnd) };
  }

  #opened<T>(
    segment: UnreadSegment,
    read: (file: SegmentFile) => T,
  ): T | undefined {
    try {
      const file = openSegmentFile(this.#place, nameOf(segment), "read");
      try {
        return read(file);
      } finally {
        file.file.close();
      }
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      this.unread(segment, messageOf(error));
      return undefined;
    }
  }

  /** Says that nothing of a segment can be read. */
  unread(segment: UnreadSegment, complaint: string): void {
    const { start, end, otherwise } = segment;
    this.#damaged(segmentPath(this.#place, nameOf(segment)), { start, end, complaint }, otherwise);
  }

  /** How many records of a batch can be read. */
  #records(path: string, batch: BatchView, position: number): number {
    let records = 0;
    try {
      for (const _ of batch.records()) records++;
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      const { baseOffset: start, nextOffset: end } = batch;
      this.#damaged(path, { start, end, position, complaint: messageOf(error) });
    }
    return records;
  }

  /** @param otherwise what it is when all of its records were removed: damage keeps writers out */
  #damaged(
    path: string,
    damage: Omit<OpenDamage, "position"> & { readonly position?: number },
    otherwise: "damage" | "notice" = "notice",
  ): void {
    const { position, complaint } = damage;
    const { logStartOffset, gaps } = this.#manifest;
    if (damage.end === undefined) { // how far it goes is not known
      const start = Math.max(damage.start, logStartOffset);
      return this.#problems.damage({ path, position, start }, complaint);
    }
    const range = { start: damage.start, end: damage.end };
    const { start, end } = presentOffsets({ logStartOffset, gaps, nextOffset: Infinity }, range);
    if (start < end) this.#problems.damage({ path, position, start, end }, complaint);
    else this.#problems[otherwise]({ path, position }, `${complaint}; no record is lost by that`);
  }

  #checkIndex(file: SegmentFile, segment: SegmentName & { readonly bytes: number }): void {
    if (loadIndex(this.#place, file, segment) !== undefined) return;
    const path = segmentPath(this.#place, segment);
    this.#problems.notice(
      { path },
      "its index is missing or stale; it is built again when needed",
    );
  }
}

function nameOf({ start: baseOffset, generation = 0 }: UnreadSegment): SegmentName {
  return { baseOffset, generation };
}
