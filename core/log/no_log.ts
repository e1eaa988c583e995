/**
 * What is said of a folder without a manifest.
 *
 * @module
 */
import { basename, join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { MANIFEST_FILE, parseSegmentFileName } from "../format/file_names.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { repairCommand } from "./repair_words.ts";

/** The error for a folder without a log: `corrupt` when there was one, and only no manifest. */
export function noLog(disk: Disk, folder: string): SeglogError {
  const path = segmentsIn(disk, folder).find((path) => isOfLog(disk, path));
  if (path === undefined) {
    return new SeglogError("not-found", `Cannot open ${folder}: no log is there`);
  }
  return new SeglogError(
    "corrupt",
    `Cannot open ${folder}: it has segments and no ${MANIFEST_FILE}. Nothing was changed; ` +
      `restore the file, or make it anew from the segments with \`${repairCommand(folder, [])}\``,
    { details: { path } },
  );
}

/** A log that was being made has one segment, at offset 0, without records. */
function isOfLog(disk: Disk, path: string): boolean {
  return parseSegmentFileName(basename(path))!.baseOffset !== 0 ||
    (disk.sizeOf(path) ?? 0) > SEGMENT_HEADER_BYTES;
}

/** Whether a folder holds a log, or what is left of one: be its manifest there or not. */
export function holdsLog(disk: Disk, folder: string): boolean {
  return disk.sizeOf(join(folder, MANIFEST_FILE)) !== undefined ||
    segmentsIn(disk, folder).length > 0;
}

/** The paths of the files that are named as segments. */
export function segmentsIn(disk: Disk, folder: string): string[] {
  return (disk.list(folder) ?? []).map(({ name }) => name)
    .filter((name) => parseSegmentFileName(name) !== undefined)
    .map((name) => join(folder, name));
}
