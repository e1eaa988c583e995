/**
 * A manifest made from what lies in a folder, for a log whose own cannot be believed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { parseSegmentFileName, segmentFileName, type SegmentName } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import type { Manifest } from "./manifest.ts";
import { noLog } from "./no_log.ts";
import { readSegmentHeader } from "./segment_file.ts";
import { SegmentWalk } from "./segment_walk.ts";

/**
 * The segments in a row, each supposed to reach up to the next. A survey has to say how far each
 * really reaches, who appended, and in which epoch.
 *
 * @throws {SeglogError} `not-found` when there are no segments; `corrupt` when they are of several
 * logs
 */
export function draftManifest(disk: Disk, folder: string): Manifest {
  const segments = latestSegments(disk, folder);
  if (segments.length === 0) throw noLog(disk, folder);
  return {
    logId: logIdOf(disk, folder, segments),
    epoch: 0,
    logStartOffset: segments[0]!.baseOffset,
    sealed: segments.slice(0, -1).map((segment, i) => ({
      ...segment,
      nextOffset: segments[i + 1]!.baseOffset,
      records: segments[i + 1]!.baseOffset - segment.baseOffset,
      bytes: disk.sizeOf(join(folder, segmentFileName(segment)))!,
      maxTimestampMs: 0,
    })),
    activeBaseOffset: segments.at(-1)!.baseOffset,
    gaps: [],
    lost: [],
    compactedTo: segments.findLast(({ generation }) => generation > 0) === undefined
      ? 0
      : segments.at(-1)!.baseOffset,
    cleanTo: 0,
    truncations: 0,
    producers: [],
    clean: null,
  };
}

/**
 * The segments of a folder in rising order: of those that compaction wrote and those that it was made
 * from, the one or the other. Where the old ones are all there still, they have everything: the first
 * of them is the first that goes.
 */
function latestSegments(disk: Disk, folder: string): Required<SegmentName>[] {
  const found = (disk.list(folder) ?? [])
    .flatMap(({ name, isFolder }) => (isFolder ? undefined : parseSegmentFileName(name)) ?? [])
    .toSorted((a, b) => a.baseOffset - b.baseOffset || a.generation - b.generation);
  if (found.every(({ generation }) => generation === 0)) return found;
  const versions = Map.groupBy(found, ({ baseOffset }) => baseOffset);
  const chosen: Required<SegmentName>[] = [];
  let end = -1;
  for (const [baseOffset, segments] of versions) {
    if (baseOffset < end) continue; // it is in the one before
    const ends = segments.map((segment) => endOf(disk, folder, segment));
    const joining = ends.findIndex((end) => versions.has(end));
    const index = joining < 0 ? segments.length - 1 : joining;
    chosen.push(segments[index]!);
    end = ends[index]!;
  }
  return chosen;
}

/** The offset after the last record of a segment; the one after its first when nothing tells it. */
function endOf(disk: Disk, folder: string, segment: SegmentName): number {
  const { baseOffset } = segment;
  const file = disk.open(join(folder, segmentFileName(segment)), "read");
  try {
    const header = readSegmentHeader(file);
    if (typeof header === "string") return baseOffset + 1;
    const end = { nextOffset: Infinity, bytes: file.size() };
    const start = { position: SEGMENT_HEADER_BYTES, offset: baseOffset };
    const walk = new SegmentWalk({ file, salt: header.salt }, end, start);
    while (walk.next() !== undefined);
    return walk.offset === Infinity ? baseOffset + 1 : walk.offset;
  } finally {
    file.close();
  }
}

/** The id that the headers agree on; a new one when none of them can be read. */
function logIdOf(disk: Disk, folder: string, segments: readonly SegmentName[]): string {
  const found = new Map<string, string>();
  for (const segment of segments) {
    const name = segmentFileName(segment);
    const file = disk.open(join(folder, name), "read");
    try {
      const header = readSegmentHeader(file);
      if (typeof header !== "string") found.set(header.logId, name);
    } finally {
      file.close();
    }
  }
  if (found.size > 1) {
    throw new SeglogError(
      "corrupt",
      `Cannot repair ${folder}: ${[...found.values()].join(" and ")} belong to different logs. ` +
        "Nothing was changed; move away what does not belong here",
    );
  }
  return [...found.keys()][0] ?? randomBytes(16).toString("hex");
}
