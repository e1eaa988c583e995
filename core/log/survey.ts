/**
 * Looks at every segment of a log, past all damage: what can be read, and what is lost.
 *
 * @module
 */
import type { BatchView } from "../format/batch.ts";
import type { BatchSource } from "./block_reader.ts";
import { findSalt } from "./find_salt.ts";
import type { Manifest, SealedEntry } from "./manifest.ts";
import { judgeActive } from "./recovery.ts";
import { type LogPlace, readSegmentHeader, segmentPath, strangeness } from "./segment_file.ts";
import {
  type DamagedPlace,
  type OpenGap,
  type Stretch,
  walkActive,
  walkSegment,
} from "./walk_segment.ts";

/** What is in one segment. */
export interface SegmentSurvey {
  readonly baseOffset: number;
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
  visit: SurveyVisit,
): SegmentSurvey[] {
  const sealed = manifest.sealed.map((entry) => surveySealed(place, entry, visit));
  return [...sealed, surveyActive(place, manifest, visit)];
}

/** Whether the batches of a segment are whole, and where they should be. */
export function isWhole(segment: SegmentSurvey): boolean {
  return segment.places.length === 0 && segment.lost.length === 0;
}

type Found = Pick<SegmentSurvey, "stretches" | "places" | "lost">;

function surveySealed(place: LogPlace, entry: SealedEntry, visit: SurveyVisit): SegmentSurvey {
  const { baseOffset, nextOffset } = entry;
  const lost = { start: baseOffset, end: nextOffset };
  return survey(place, { baseOffset, lost }, (source, size) => {
    const segment = { baseOffset, nextOffset, bytes: Math.min(entry.bytes, size) };
    return walkSegment(source, segment, (batch) => visit(batch, baseOffset));
  });
}

function surveyActive(
  place: LogPlace,
  manifest: Manifest,
  visit: SurveyVisit,
): SegmentSurvey {
  const { activeBaseOffset: baseOffset, clean } = manifest;
  const lost = { start: baseOffset, end: clean?.nextOffset };
  return survey(place, { baseOffset, lost }, (source, size) => {
    const segment = { size, manifest };
    const { decision, end } = judgeActive(source, segment, () => {});
    const seen = (batch: BatchView) => visit(batch, baseOffset);
    if (decision.kind === "damaged") {
      return walkActive(source, { ...segment, watermark: end.watermark }, seen);
    }
    return walkSegment(source, { baseOffset, bytes: end.bytes }, seen); // what is torn is not looked at
  });
}

/** @param segment with what is lost when nothing of it can be read */
function survey(
  place: LogPlace,
  segment: { readonly baseOffset: number; readonly lost: OpenGap },
  look: (source: BatchSource, size: number) => Found,
): SegmentSurvey {
  const { baseOffset } = segment;
  const path = segmentPath(place, baseOffset);
  const size = place.disk.sizeOf(path);
  const headerComplaint = undefined;
  const nothing = (message: string): SegmentSurvey => {
    const lost = segment.lost.end === baseOffset ? [] : [segment.lost];
    const places = [{ position: 0, message }];
    return {
      baseOffset,
      path,
      size,
      salt: undefined,
      headerComplaint,
      stretches: [],
      places,
      lost,
    };
  };
  if (size === undefined) return nothing("the file is missing");
  const file = place.disk.open(path, "read");
  try {
    const header = readSegmentHeader(file);
    if (typeof header !== "string") {
      const complaint = strangeness(header, place, baseOffset);
      if (complaint !== undefined) return nothing(complaint);
      const { salt } = header;
      return { baseOffset, path, size, salt, headerComplaint, ...look({ file, salt }, size) };
    }
    const salt = findSalt(place, { file, baseOffset });
    if (salt === undefined) return nothing(header);
    return { baseOffset, path, size, salt, headerComplaint: header, ...look({ file, salt }, size) };
  } finally {
    file.close();
  }
}
