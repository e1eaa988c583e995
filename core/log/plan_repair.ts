/**
 * Decides what a repair does, from what a survey found. Nothing is read or written here.
 *
 * What is whole before the first damage of a segment stays where it is, and the segment ends there.
 * Each stretch behind it gets a segment of its own, and the offsets in between are lost. A damaged
 * active segment is sealed by that, and a new one begins where offsets go on.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { addGap, type Gap, gapsFrom, missedOffsets, type OpenGap } from "./gaps.ts";
import { type Manifest, type SealedEntry } from "./manifest.ts";
import { lostOffsets, wayOn } from "./repair_words.ts";
import { isWhole, type SegmentSurvey, type Stretch } from "./survey.ts";

/** A segment that loses something, and what stays of it. */
export interface SegmentCut {
  readonly segment: SegmentSurvey;
  /** Bytes that stay where they are; `undefined` when none do, and the file goes. */
  readonly keptBytes: number | undefined;
  /** What is copied into segments of its own. */
  readonly copies: readonly Stretch[];
}

/** What a repair does. */
export interface RepairPlan {
  /** The manifest after it, but for its epoch and producers. */
  readonly manifest: Manifest;
  /** Whether the active segment is a new one. */
  readonly isActiveNew: boolean;
  /** Offsets that are lost now, and were not before. */
  readonly lost: readonly Gap[];
  /** Segments whose header is written anew, with the salt that it had. */
  readonly headers: readonly SegmentSurvey[];
  readonly cuts: readonly SegmentCut[];
}

/**
 * Plans the repair of a log.
 *
 * @param folder for the message
 * @param acceptLoss offsets that may be lost, and no others
 * @throws {SeglogError} `corrupt` when more would be lost, saying what
 */
export function planRepair(
  before: Manifest,
  segments: readonly SegmentSurvey[],
  { folder, acceptLoss }: { readonly folder: string; readonly acceptLoss: Gap },
): RepairPlan {
  const { logStartOffset } = before;
  const active = segments.at(-1)!;
  const lost = acceptedLoss(before, segments, { folder, acceptLoss });
  const sealed: SealedEntry[] = [];
  const cuts: SegmentCut[] = [];
  for (const segment of segments) {
    if (segment === active && isWhole(active)) continue;
    const kept = segment.stretches.filter(({ end }) => end > logStartOffset);
    const [first, ...rest] = kept;
    const isInPlace = first?.start === segment.baseOffset;
    const generation = isInPlace ? segment.generation : 0;
    sealed.push(...kept.map((stretch, i) => entryOf(stretch, i === 0 ? generation : 0)));
    if (isWhole(segment)) continue;
    cuts.push({
      segment,
      keptBytes: isInPlace ? first!.to : undefined,
      copies: isInPlace ? rest : kept,
    });
  }
  const isActiveNew = !isWhole(active);
  const manifest = {
    ...before,
    sealed,
    activeBaseOffset: isActiveNew ? endOf(before, active, lost) : active.baseOffset,
    lost: gapsFrom(lost.reduce<readonly Gap[]>(addGap, before.lost), logStartOffset),
    clean: isActiveNew ? null : before.clean,
  };
  const headers = segments.filter(({ headerComplaint }) => headerComplaint !== undefined)
    .filter(({ baseOffset }) => isNamed(manifest, baseOffset, isActiveNew));
  return { manifest, isActiveNew, lost, headers, cuts };
}

/** What would be lost of what can be asked for; all of it has to be accepted. */
function acceptedLoss(
  manifest: Manifest,
  segments: readonly SegmentSurvey[],
  { folder, acceptLoss }: { readonly folder: string; readonly acceptLoss: Gap },
): Gap[] {
  const asked = missedOffsets(lostOf(manifest, segments), manifest);
  const accepted = asked.flatMap(({ start, end = acceptLoss.end }): Gap[] =>
    start >= acceptLoss.start && end > start && end <= acceptLoss.end ? [{ start, end }] : []
  );
  if (accepted.length === asked.length) return accepted.reduce<Gap[]>(addGap, []);
  throw new SeglogError(
    "corrupt",
    `Cannot repair ${folder}: ${lostOffsets(asked)}, and ${
      acceptLoss.start === acceptLoss.end
        ? "no loss is accepted"
        : `only the loss of ${acceptLoss.start}:${acceptLoss.end} is accepted`
    }. Nothing was changed; ${wayOn(folder, asked)}`,
    { details: { path: folder, start: asked[0]!.start, end: asked.at(-1)!.end ?? null } },
  );
}

/** What the segments lost, and what lies between two of them. */
function lostOf(manifest: Manifest, segments: readonly SegmentSurvey[]): OpenGap[] {
  const bases = [...segments.map(({ baseOffset }) => baseOffset).slice(1)];
  return segments.flatMap(({ lost }, i) => {
    const start = manifest.sealed[i]?.nextOffset;
    return start === undefined ? lost : [...lost, { start, end: Math.max(start, bases[i]!) }];
  });
}

/** Where offsets go on when the active segment is given up. */
function endOf(manifest: Manifest, active: SegmentSurvey, lost: readonly Gap[]): number {
  return Math.max(
    manifest.logStartOffset,
    active.baseOffset,
    manifest.clean?.nextOffset ?? 0,
    ...active.stretches.map(({ end }) => end),
    ...lost.map(({ end }) => end),
  );
}

function isNamed(manifest: Manifest, baseOffset: number, isActiveNew: boolean): boolean {
  const isSealed = manifest.sealed.some((entry) => entry.baseOffset === baseOffset);
  return isSealed || (!isActiveNew && manifest.activeBaseOffset === baseOffset);
}

/** The same for a stretch that stays, since it begins behind the header, and for one that is copied. */
function entryOf(
  { start, end, from, to, records, maxTimestampMs }: Stretch,
  generation: number,
): SealedEntry {
  const bytes = SEGMENT_HEADER_BYTES + to - from;
  return { baseOffset: start, generation, nextOffset: end, records, bytes, maxTimestampMs };
}
