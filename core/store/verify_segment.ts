/**
 * Reads every byte of a segment and says which records cannot be read, as a reader would find it.
 *
 * @module
 */
import { messageOf, SeglogError } from "../base/errors.ts";
import { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { type Damage, presentOffsets } from "../log/damage.ts";
import { loadIndex } from "../log/index_file.ts";
import type { Manifest, SealedEntry } from "../log/manifest.ts";
import { closedInGoodOrder, decideRecovery, watermarkOf } from "../log/recovery.ts";
import type { ScanEnd } from "../log/scan.ts";
import { scanPastDamage } from "../log/scan_past_damage.ts";
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
    const { baseOffset, nextOffset, bytes } = entry;
    const unread = { records: 0, bytes: 0, nextOffset };
    const path = segmentPath(this.#place, baseOffset);
    const size = this.#place.disk.sizeOf(path) ?? 0;
    const otherwise = size < bytes ? "damage" : "notice"; // a short one keeps writers out
    return this.#opened({ start: baseOffset, end: nextOffset, otherwise }, (file) => {
      const start = { position: SEGMENT_HEADER_BYTES, offset: baseOffset };
      const walk = new SegmentWalk(file, entry, start);
      let records = 0;
      for (const found of walk) {
        if (found instanceof BatchView) {
          records += this.#records(path, found, walk.position - found.bytes.length);
        } else this.#damaged(path, found, otherwise);
      }
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
      const path = segmentPath(this.#place, baseOffset);
      const size = file.file.size();
      const watermark = clean?.bytes ?? 0;
      const start = { bytes: SEGMENT_HEADER_BYTES, nextOffset: baseOffset, epoch: 0, watermark };
      const isScanned = closedInGoodOrder(this.#place, this.#manifest, file) === undefined;
      let records = 0;
      const end = scanPastDamage(file, start, size, {
        batch: (batch, position) => records += this.#records(path, batch, position),
        damage: (damage) => this.#damaged(path, damage, isScanned ? "damage" : "notice"),
      });
      const nextOffset = this.#activeEnd(path, end, size);
      if (clean !== null) this.#checkIndex(file, { baseOffset, ...clean });
      return { records, bytes: size, nextOffset };
    }) ?? unread;
  }

  /** Says what is wrong where the last good batch ends. @returns where the log ends */
  #activeEnd(
    path: string,
    end: ScanEnd,
    size: number,
  ): number {
    const { bytes: position, nextOffset, complaint = "the file ends too early" } = end;
    const { clean, logStartOffset } = this.#manifest;
    const watermark = watermarkOf(this.#manifest, end);
    const decision = decideRecovery({ bytes: position, watermark }, size);
    if (decision.kind === "torn") {
      const message = `${
        size - position
      } bytes at its end are no whole batch (${complaint}): a torn tail`;
      this.#problems.notice({ path, position }, message);
    }
    if (decision.kind !== "damaged") return nextOffset;
    const lostEnd = clean?.nextOffset ?? logStartOffset;
    if (lostEnd <= nextOffset) { // how far it went is not known
      this.#problems.damage({ path, position, start: nextOffset }, complaint);
      return nextOffset;
    }
    this.#damaged(path, { start: nextOffset, end: lostEnd, position, complaint }, "damage");
    return lostEnd;
  }

  #opened<T>(
    segment: { start: number; end: number | undefined; otherwise: "damage" | "notice" },
    read: (file: SegmentFile) => T,
  ): T | undefined {
    const { start, end, otherwise } = segment;
    const path = segmentPath(this.#place, start);
    try {
      const file = openSegmentFile(this.#place, start, "read");
      try {
        return read(file);
      } finally {
        file.file.close();
      }
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      const complaint = messageOf(error);
      if (end === undefined) this.#problems.damage({ path, start }, complaint);
      else this.#damaged(path, { start, end, complaint }, otherwise);
      return undefined;
    }
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
    damage: Omit<Damage, "position"> & { readonly position?: number },
    otherwise: "damage" | "notice" = "notice",
  ): void {
    const { position, complaint } = damage;
    const { logStartOffset, gaps } = this.#manifest;
    const { start, end } = presentOffsets({ logStartOffset, gaps, nextOffset: Infinity }, damage);
    if (start < end) this.#problems.damage({ path, position, start, end }, complaint);
    else this.#problems[otherwise]({ path, position }, `${complaint}; no record is lost by that`);
  }

  #checkIndex(file: SegmentFile, segment: { baseOffset: number; bytes: number }): void {
    if (loadIndex(this.#place, file, segment) !== undefined) return;
    const path = segmentPath(this.#place, segment.baseOffset);
    this.#problems.notice(
      { path },
      "its index is missing or stale; it is built again when needed",
    );
  }
}
