/**
 * Looks at every segment of a log, past all damage: what can be read, and what is lost.
 *
 * @module
 */
import { messageOf, SeglogError } from "../base/errors.ts";
import { BatchView } from "../format/batch.ts";
import type { SegmentName } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { BatchSource } from "./block_reader.ts";
import type { OpenDamage } from "./damage.ts";
import { findSalt } from "./find_salt.ts";
import type { OpenGap } from "./gaps.ts";
import type { Manifest, SealedEntry } from "./manifest.ts";
import { scanActive } from "./scan_active.ts";
import { type LogPlace, readSegmentHeader, segmentPath, strangeness } from "./segment_file.ts";
import { SegmentWalk } from "./segment_walk.ts";

/** Whole batches, one after another. */
export interface Stretch {
  /** Positions `[from, to)` of the segment. */
  readonly from: number;
  readonly to: number;
  /** Offsets `[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly records: number;
  readonly maxTimestampMs: number;
}

/** Where something is wrong, and what. */
export interface DamagedPlace {
  readonly position: number;
  readonly message: string;
}

/** What is in one segment. */
export interface SegmentSurvey extends Required<SegmentName> {
  readonly path: string;
  /** Bytes of the file; `undefined` when it is missing. */
  readonly size: number | undefined;
  /** The salt of its batches; `undefined` when nothing tells it. */
  readonly salt: number | undefined;
  /** What is wrong with a header that can be written anew, since the salt is known. */
  readonly headerComplaint: string | undefined;
  readonly stretches: readonly Stretch[];
  /** What else is wrong; a torn tail, which recovery cuts off by itself, is not. */
  readonly places: readonly DamagedPlace[];
  readonly lost: readonly OpenGap[];
}

/** Gets each whole batch, with the base offset of its segment. */
export type SurveyVisit = (batch: BatchView, segment: number) => void;

/** The sealed segments of a log in rising order, and then the active one. */
export function surveySegments(
  place: LogPlace,
  manifest: Manifest,
  options: SurveyOptions,
): SegmentSurvey[] {
  const sealed = manifest.sealed.map((entry) => surveySealed(place, entry, options.visit));
  return [...sealed, surveyActive(place, manifest, options)];
}

/** What a survey is told, and whom it tells. */
export interface SurveyOptions {
  /** Gets each whole batch. */
  readonly visit: SurveyVisit;
  /** Whether the manifest is the log's own. Without it, what looks like a torn tail may be damage. */
  readonly isOwn: boolean;
}

/** Whether the batches of a segment are whole, and where they should be. */
export function isWhole(segment: SegmentSurvey): boolean {
  return segment.places.length === 0 && segment.lost.length === 0;
}

type Found = Pick<SegmentSurvey, "stretches" | "places" | "lost">;

function surveySealed(place: LogPlace, entry: SealedEntry, visit: SurveyVisit): SegmentSurvey {
  const { baseOffset, generation, nextOffset } = entry;
  const lost = { start: baseOffset, end: nextOffset };
  return survey(place, { baseOffset, generation, lost }, (source, size) => {
    const findings = new Findings((batch) => visit(batch, baseOffset));
    const end = { nextOffset, bytes: Math.min(entry.bytes, size) };
    const start = { position: SEGMENT_HEADER_BYTES, offset: baseOffset };
    const walk = new SegmentWalk(source, end, start);
    for (const found of walk) {
      if (found instanceof BatchView) findings.batch(found, walk.position - found.bytes.length);
      else findings.damage(found);
    }
    return findings;
  });
}

function surveyActive(
  place: LogPlace,
  manifest: Manifest,
  { visit, isOwn }: SurveyOptions,
): SegmentSurvey {
  const { activeBaseOffset: baseOffset, clean } = manifest;
  const lost = { start: baseOffset, end: clean?.nextOffset };
  return survey(place, { baseOffset, generation: 0, lost }, (source, size) => {
    const findings = new Findings((batch) => visit(batch, baseOffset));
    const { end, tornBytes } = scanActive(source, { manifest, size }, findings);
    if (tornBytes > 0 && !isOwn) {
      const { nextOffset: start, bytes: position, complaint = "no whole batch" } = end;
      findings.damage({ start, end: undefined, position, complaint });
    }
    return findings;
  });
}

/** What is found in a segment, from its start to its end. */
class Findings implements Found {
  readonly stretches: Stretch[] = [];
  readonly places: DamagedPlace[] = [];
  readonly lost: OpenGap[] = [];
  readonly #visit: (batch: BatchView) => void;

  constructor(visit: (batch: BatchView) => void) {
    this.#visit = visit;
  }

  batch(batch: BatchView, position: number): void {
    const complaint = complaintOf(batch);
    const { baseOffset: start, nextOffset: end, header } = batch;
    const { maxTimestampMs, recordCount: records } = header;
    if (complaint !== undefined) return this.damage({ start, end, position, complaint });
    this.#visit(batch);
    const stretch = { from: position, to: position + batch.bytes.length, start, end };
    const last = this.stretches.at(-1);
    if (last?.to === position && last.end === start) {
      this.stretches[this.stretches.length - 1] = {
        ...stretch,
        from: last.from,
        start: last.start,
        records: last.records + records,
        maxTimestampMs: Math.max(last.maxTimestampMs, maxTimestampMs),
      };
    } else this.stretches.push({ ...stretch, records, maxTimestampMs });
  }

  damage({ start, end, position, complaint }: OpenDamage): void {
    this.places.push({ position, message: complaint });
    if (end !== start) this.lost.push({ start, end });
  }
}

function complaintOf(batch: BatchView): string | undefined {
  if (!batch.isIntact()) return "payload checksum does not match";
  try {
    for (const _ of batch.records());
    batch.producer();
    return undefined;
  } catch (error) {
    if (error instanceof SeglogError && error.code === "corrupt") return messageOf(error);
    throw error;
  }
}

/** @param segment with what is lost when nothing of it can be read */
function survey(
  place: LogPlace,
  segment: Required<SegmentName> & { readonly lost: OpenGap },
  look: (source: BatchSource, size: number) => Found,
): SegmentSurvey {
  const { baseOffset, generation } = segment;
  const path = segmentPath(place, segment);
  const size = place.disk.sizeOf(path);
  const known = { baseOffset, generation, path, size };
  const headerComplaint = undefined;
  const nothing = (message: string): SegmentSurvey => {
    const lost = segment.lost.end === baseOffset ? [] : [segment.lost];
    const places = [{ position: 0, message }];
    return { ...known, salt: undefined, headerComplaint, stretches: [], places, lost };
  };
  if (size === undefined) return nothing("the file is missing");
  const file = place.disk.open(path, "read");
  try {
    const header = readSegmentHeader(file);
    if (typeof header !== "string") {
      const complaint = strangeness(header, place, baseOffset);
      if (complaint !== undefined) return nothing(complaint);
      const { salt } = header;
      return { ...known, salt, headerComplaint, ...look({ file, salt }, size) };
    }
    const salt = findSalt(place, { file, baseOffset, generation });
    if (salt === undefined) return nothing(header);
    return { ...known, salt, headerComplaint: header, ...look({ file, salt }, size) };
  } finally {
    file.close();
  }
}
