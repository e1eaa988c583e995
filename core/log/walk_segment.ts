/**
 * Walks a whole segment past whatever is damaged in it, and says what can be read and what cannot.
 *
 * @module
 */
import { messageOf, SeglogError } from "../base/errors.ts";
import type { BatchView } from "../format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { type BatchSource, BlockReader } from "./block_reader.ts";
import { addGap, type Gap } from "./gaps.ts";
import type { Manifest } from "./manifest.ts";

/** Whole batches, one after another. */
export interface Stretch {
  /** Positions `[from, to)` of the segment. */
  readonly from: number;
  readonly to: number;
  /** Offsets `[start, end)`. */
  readonly start: number;
  readonly end: number;
  readonly maxTimestampMs: number;
}

/** Where something is wrong, and what. */
export interface DamagedPlace {
  readonly position: number;
  readonly message: string;
}

/** What a walk found. */
export interface SegmentWalk {
  readonly stretches: readonly Stretch[];
  readonly places: readonly DamagedPlace[];
  /** Offsets that cannot be read, in rising order. */
  readonly lost: readonly Gap[];
  /** Where the last batch ends whose header can be believed, and the offset after it. */
  readonly end: { readonly position: number; readonly nextOffset: number };
}

/**
 * Looks at every byte below `bytes`. Behind damage the walk goes on at the next header that can be
 * believed; the offsets in between are lost.
 *
 * @param segment `nextOffset` is the offset after its last record, where that is known
 * @param visit gets each whole batch
 */
export function walkSegment(
  source: BatchSource,
  segment: {
    readonly baseOffset: number;
    readonly bytes: number;
    readonly nextOffset?: number;
  },
  visit: (batch: BatchView) => void = () => {},
): SegmentWalk {
  const { baseOffset, bytes, nextOffset = Infinity } = segment;
  const reader = new BlockReader(source);
  const stretches: Stretch[] = [];
  const places: DamagedPlace[] = [];
  let lost: Gap[] = [];
  let position = SEGMENT_HEADER_BYTES;
  let next = baseOffset;
  let epoch = 0;
  let end = position;
  const lose = (until: number) => {
    if (until > next) lost = addGap(lost, { start: next, end: until });
  };
  while (position < bytes) {
    const batch = reader.batchAt(position, bytes);
    // A copy of the first batch further on is a stray one: the segment's name is for what is first.
    const least = position === SEGMENT_HEADER_BYTES ? next : Math.max(next, baseOffset + 1);
    if (typeof batch === "string" || !isPlaced(batch, { least, nextOffset, epoch })) {
      const message = typeof batch === "string" ? batch : "a batch that belongs elsewhere";
      places.push({ position, message });
      position = reader.seekBatch(position + 1, bytes)?.position ?? bytes;
      continue;
    }
    const complaint = complaintOf(batch);
    if (batch.baseOffset > next && position === end) { // with no damage before it
      places.push({ position, message: `offsets ${next} to ${batch.baseOffset - 1} are missing` });
    }
    if (complaint === undefined) {
      lose(batch.baseOffset);
      extend(stretches, batch, position);
      visit(batch);
    } else {
      lose(batch.nextOffset);
      places.push({ position, message: complaint });
    }
    next = batch.nextOffset;
    epoch = batch.header.epoch;
    position += batch.bytes.length;
    end = position;
  }
  if (segment.nextOffset !== undefined && next < segment.nextOffset) {
    if (end === bytes) places.push({ position, message: "the file ends too early" });
    lose(segment.nextOffset);
  }
  return { stretches, places, lost, end: { position: end, nextOffset: next } };
}

/** Whether a batch can come next: its header is ours, but a stray copy of another's may be, too. */
function isPlaced(
  batch: BatchView,
  expected: { least: number; nextOffset: number; epoch: number },
): boolean {
  return batch.baseOffset >= expected.least && batch.nextOffset <= expected.nextOffset &&
    batch.header.epoch >= expected.epoch;
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

function extend(stretches: Stretch[], batch: BatchView, position: number): void {
  const { baseOffset, nextOffset: end, header: { maxTimestampMs } } = batch;
  const to = position + batch.bytes.length;
  const last = stretches.at(-1);
  if (last?.to === position && last.end === baseOffset) {
    const newestMs = Math.max(last.maxTimestampMs, maxTimestampMs);
    stretches[stretches.length - 1] = { ...last, to, end, maxTimestampMs: newestMs };
  } else stretches.push({ from: position, to, start: baseOffset, end, maxTimestampMs });
}

/** Offsets from `start` on; `end` is `undefined` where nothing tells it. */
export interface OpenGap {
  readonly start: number;
  readonly end: number | undefined;
}

/**
 * Walks an active segment whose bytes are known to have reached up to `watermark`. When no header
 * tells what the last of them held, and no clean close did, the end of what is lost is not known.
 */
export function walkActive(
  source: BatchSource,
  segment: {
    readonly size: number;
    readonly watermark: number;
    readonly manifest: Manifest;
  },
  visit?: (batch: BatchView) => void,
): Omit<SegmentWalk, "lost"> & { readonly lost: readonly OpenGap[] } {
  const { size, watermark } = segment;
  const { activeBaseOffset: baseOffset, clean, logStartOffset } = segment.manifest;
  const walk = walkSegment(source, { baseOffset, bytes: size }, visit);
  const { position, nextOffset: start } = walk.end;
  const isKnown = position >= watermark && start >= logStartOffset;
  if (isKnown || clean?.nextOffset === start) return walk;
  const end = clean?.nextOffset;
  const places = position < size
    ? walk.places
    : [...walk.places, { position, message: "the file ends too early" }];
  return { ...walk, places, lost: [...walk.lost, { start, end }] };
}
