/**
 * A manifest made from what lies in a folder, for a log whose own cannot be believed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { parseSegmentFileName, segmentFileName } from "../format/file_names.ts";
import type { Manifest } from "./manifest.ts";
import { noLog } from "./no_log.ts";
import { readSegmentHeader } from "./segment_file.ts";

/**
 * The segments in a row, each supposed to reach up to the next. A survey has to say how far each
 * really reaches, who appended, and in which epoch.
 *
 * @throws {SeglogError} `not-found` when there are no segments; `corrupt` when they are of several
 * logs
 */
export function draftManifest(disk: Disk, folder: string): Manifest {
  const bases = (disk.list(folder) ?? [])
    .flatMap(({ name, isFolder }) => (isFolder ? undefined : parseSegmentFileName(name)) ?? [])
    .toSorted((a, b) => a - b);
  if (bases.length === 0) throw noLog(disk, folder);
  return {
    logId: logIdOf(disk, folder, bases),
    epoch: 0,
    logStartOffset: bases[0]!,
    sealed: bases.slice(0, -1).map((baseOffset, i) => ({
      baseOffset,
      nextOffset: bases[i + 1]!,
      bytes: disk.sizeOf(join(folder, segmentFileName(baseOffset)))!,
      maxTimestampMs: 0,
    })),
    activeBaseOffset: bases.at(-1)!,
    gaps: [],
    lost: [],
    producers: [],
    clean: null,
  };
}

/** The id that the headers agree on; a new one when none of them can be read. */
function logIdOf(disk: Disk, folder: string, bases: readonly number[]): string {
  const found = new Map<string, string>();
  for (const baseOffset of bases) {
    const name = segmentFileName(baseOffset);
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
