/**
 * What can be read of a log at this moment, whoever owns it.
 *
 * @module
 */
import { lastIndexWhere } from "../base/binary_search.ts";
import { outOfRange } from "../base/offset_errors.ts";
import type { Gap } from "./gaps.ts";
import type { ReadableSegment } from "./segment_file.ts";

/** The readable part of a log. Every property may change between two reads. */
export interface LogView {
  /** Names the log in messages. */
  readonly name: string;
  readonly logStartOffset: number;
  readonly nextOffset: number;
  readonly durableOffset: number;
  /** Offsets whose records were removed: passed over in silence. */
  readonly gaps: readonly Gap[];
  /** Offsets whose records a repair gave up: readers are told. */
  readonly lost: readonly Gap[];
  /** Below it, records may be gone that later ones with the same key replaced. */
  readonly compactedTo: number;
  /** How often the last records were taken away. */
  readonly truncations: number;
  /** Sealed segments and then the active one, in offset order. */
  readonly segments: readonly ReadableSegment[];
  /** Looks for what another process has done to the log; nothing to do for its owner. */
  refresh(): void;
  /** Resolves when something may have changed. @throws {SeglogError} `closed` or `poisoned` */
  changed(signal?: AbortSignal): Promise<void>;
  /** @throws {SeglogError} `closed` */
  checkOpen(): void;
}

/**
 * The segment that holds `offset`, or would: the last whose base offset is not above it.
 *
 * @throws {SeglogError} `offset-out-of-range` when the offset is below all segments
 */
export function segmentAt(view: LogView, offset: number): ReadableSegment {
  const { segments } = view;
  const segment =
    segments[lastIndexWhere(segments.length, (i) => segments[i]!.baseOffset <= offset)];
  if (segment === undefined) throw outOfRange(view.name, offset, view);
  return segment;
}

/** The segment after this one, if there is one. */
export function segmentAfter(view: LogView, segment: ReadableSegment): ReadableSegment | undefined {
  return view.segments[view.segments.indexOf(segment) + 1];
}
