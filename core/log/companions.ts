/**
 * The files beside a segment that help to read it. They are hints, and go when the segment goes.
 *
 * @module
 */
import { join } from "node:path";
import { filterFileName, indexFileName, type SegmentName } from "../format/file_names.ts";
import type { LogPlace } from "./segment_file.ts";

/** The paths of the hints of a segment, be they there or not. */
export function companionPaths(place: LogPlace, segment: SegmentName): string[] {
  return [indexFileName, filterFileName].map((nameOf) => join(place.folder, nameOf(segment)));
}
