/**
 * Segment files: where they are, how they are opened and made.
 *
 * @module
 */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Observers } from "../base/observer.ts";
import type { Disk, DiskFile } from "../disk/disk.ts";
import { removeIfThere } from "../disk/files.ts";
import { WIRE_SALT } from "../format/batch_header.ts";
import { segmentFileName, type SegmentName } from "../format/file_names.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "../format/segment_header.ts";
import type { ReadableFile } from "./open_files.ts";
import type { SparseIndex } from "./sparse_index.ts";

/** Where a log lives, and which log it is. */
export interface LogPlace {
  readonly disk: Disk;
  readonly folder: string;
  readonly logId: string;
  /** Who is told what is done there, where anybody may want to be. */
  readonly observers?: Observers | undefined;
}

/** What a segment holds. */
export interface SegmentFacts extends SegmentName {
  /** Offset after the last readable record. */
  readonly nextOffset: number;
  /** Records in it: fewer than there are offsets once it was compacted. */
  readonly records: number;
  /** Bytes that may be read: whole batches. */
  readonly bytes: number;
  /** The largest timestamp in it. */
  readonly maxTimestampMs: number;
}

/** What a reader needs of a segment. */
export interface ReadableSegment extends SegmentFacts {
  readonly path: string;
  /** The open file. @throws {SeglogError} `corrupt` when it is not the segment that it should be */
  source(): ReadableSegmentFile;
  index(): SparseIndex;
  /** Replaces an index whose file lied by one of the batches that are there. */
  rebuildIndex(): SparseIndex;
  /** Whether records with this key may be in it: `false` is certain. */
  mayHold(key: Uint8Array): boolean;
  close(): void;
}

/** A segment file whose header was checked, to be read. */
export interface ReadableSegmentFile {
  readonly file: ReadableFile;
  readonly salt: number;
}

/** An open segment file whose header was checked. */
export interface SegmentFile extends ReadableSegmentFile {
  readonly file: DiskFile;
  readonly createdMs: number;
}

/** The path of a segment. */
export function segmentPath(place: LogPlace, segment: SegmentName): string {
  return join(place.folder, segmentFileName(segment));
}

/**
 * Opens a segment file and checks that it is the one that belongs there.
 *
 * @throws {SeglogError} `corrupt`, also when there is no file; `unsupported` for a later version
 */
export function openSegmentFile(
  place: LogPlace,
  segment: SegmentName,
  mode: "read" | "write",
): SegmentFile {
  const path = segmentPath(place, segment);
  if (place.disk.sizeOf(path) === undefined) throw notTheSegment(path, "the file is missing");
  const file = place.disk.open(path, mode);
  try {
    const header = readSegmentHeader(file);
    if (typeof header === "string") throw notTheSegment(path, header);
    const complaint = strangeness(header, place, segment.baseOffset);
    if (complaint !== undefined) throw notTheSegment(path, complaint);
    return { file, salt: header.salt, createdMs: header.createdMs };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The header of a segment file, or in words why there is none. Throws for a later version. */
export function readSegmentHeader(file: DiskFile): SegmentHeader | string {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  return decodeSegmentHeader(bytes.subarray(0, file.read(bytes, 0)));
}

/** In words, why a segment with this header does not belong where it is. */
export function strangeness(
  header: SegmentHeader,
  place: LogPlace,
  baseOffset: number,
): string | undefined {
  if (header.logId !== place.logId) {
    return `it belongs to log ${header.logId}, not to ${place.logId}`;
  }
  if (header.baseOffset === baseOffset) return undefined;
  return `its header says base offset ${header.baseOffset}`;
}

function notTheSegment(path: string, complaint: string): SeglogError {
  return new SeglogError("corrupt", `Cannot open segment ${path}: ${complaint}`, {
    details: { path, position: 0, complaint },
  });
}

/** A salt for a new segment: not that of batches on the wire, which may lie within values. */
export function newSalt(): number {
  return randomInt(WIRE_SALT + 1, 2 ** 32);
}

/** Makes a segment with its header; the file and its folder entry are durable when it resolves. */
export async function createSegmentFile(
  place: LogPlace,
  header: Omit<SegmentHeader, "logId">,
): Promise<SegmentFile> {
  const path = segmentPath(place, header);
  removeIfThere(place.disk, path); // left by a roll that failed: no manifest lists it
  const file = place.disk.create(path);
  try {
    file.write(encodeSegmentHeader({ ...header, logId: place.logId }), 0);
    await file.sync();
    await place.disk.syncFolder(place.folder);
  } catch (error) {
    file.close();
    removeIfThere(place.disk, path);
    throw error;
  }
  return { file, salt: header.salt, createdMs: header.createdMs };
}
