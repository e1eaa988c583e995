/**
 * The two states of a segment. An active one is appended to and is sealed once; a sealed one never
 * changes. Both are read alike.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk, DiskFile } from "../disk/disk.ts";
import { readFile, removeIfThere } from "../disk/files.ts";
import { type BatchHeader, batchLength } from "../format/batch_header.ts";
import { indexFileName, segmentFileName } from "../format/file_names.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "../format/segment_header.ts";
import { BlockReader } from "./block_reader.ts";
import type { SealedEntry } from "./manifest.ts";
import { SparseIndex } from "./sparse_index.ts";

/** Where a log lives, and which log it is. */
export interface LogPlace {
  readonly disk: Disk;
  readonly folder: string;
  readonly logId: string;
}

/** What a reader needs of a segment. */
export interface ReadableSegment {
  readonly path: string;
  readonly baseOffset: number;
  /** Offset after the last readable record. */
  readonly nextOffset: number;
  /** Bytes that may be read: whole batches. */
  readonly bytes: number;
  readonly maxTimestampMs: number;
  /** The open file. @throws {SeglogError} `corrupt` when it is not the segment that it should be */
  source(): SegmentFile;
  index(): SparseIndex;
  close(): void;
}

/** An open segment file whose header was checked. */
export interface SegmentFile {
  readonly file: DiskFile;
  readonly salt: number;
  readonly createdMs: number;
}

/** A segment that is complete: its file is opened, and its index loaded, when first needed. */
export class SealedSegment implements ReadableSegment {
  readonly path: string;
  readonly entry: SealedEntry;
  readonly #place: LogPlace;
  #file: SegmentFile | undefined;
  #index: SparseIndex | undefined;

  constructor(place: LogPlace, entry: SealedEntry) {
    this.#place = place;
    this.entry = entry;
    this.path = segmentPath(place, entry.baseOffset);
  }

  get baseOffset(): number {
    return this.entry.baseOffset;
  }

  get nextOffset(): number {
    return this.entry.nextOffset;
  }

  get bytes(): number {
    return this.entry.bytes;
  }

  get maxTimestampMs(): number {
    return this.entry.maxTimestampMs;
  }

  source(): SegmentFile {
    this.#file ??= openSegmentFile(this.#place, this.baseOffset, "read");
    return this.#file;
  }

  index(): SparseIndex {
    this.#index ??= loadIndex(this.#place, this.source(), this) ?? indexBatches(this);
    return this.#index;
  }

  close(): void {
    this.#file?.file.close();
    this.#file = undefined;
  }
}

/** The segment that is appended to. What is written becomes readable when it is published. */
export class ActiveSegment implements ReadableSegment {
  readonly path: string;
  readonly baseOffset: number;
  readonly createdMs: number;
  readonly salt: number;
  readonly #file: SegmentFile;
  readonly #index: SparseIndex;
  #written: { bytes: number; nextOffset: number };
  #readable: { bytes: number; nextOffset: number };

  /** @param end where its batches end; `index` covers them */
  constructor(
    place: LogPlace,
    baseOffset: number,
    state: { file: SegmentFile; index: SparseIndex; end: { bytes: number; nextOffset: number } },
  ) {
    this.path = segmentPath(place, baseOffset);
    this.baseOffset = baseOffset;
    this.createdMs = state.file.createdMs;
    this.salt = state.file.salt;
    this.#file = state.file;
    this.#index = state.index;
    this.#written = state.end;
    this.#readable = state.end;
  }

  get nextOffset(): number {
    return this.#readable.nextOffset;
  }

  get bytes(): number {
    return this.#readable.bytes;
  }

  get maxTimestampMs(): number {
    return this.#index.maxTimestampMs;
  }

  /** Where the next batch goes: bytes and offset. */
  get written(): { readonly bytes: number; readonly nextOffset: number } {
    return this.#written;
  }

  get isEmpty(): boolean {
    return this.#written.bytes === SEGMENT_HEADER_BYTES;
  }

  source(): SegmentFile {
    return this.#file;
  }

  index(): SparseIndex {
    return this.#index;
  }

  /**
   * Writes whole batches at the end, by one positional write. When it throws, part of the bytes may
   * be in the file: {@linkcode cutBack} or give the log up.
   */
  write(bytes: Uint8Array, batches: readonly { header: BatchHeader; length: number }[]): void {
    this.#file.file.write(bytes, this.#written.bytes);
    let position = this.#written.bytes;
    for (const { header, length } of batches) {
      this.#index.add(header, position);
      position += length;
    }
    const last = batches.at(-1)!.header;
    this.#written = { bytes: position, nextOffset: last.baseOffset + last.lastOffsetDelta + 1 };
  }

  /** Removes what a failed write may have left. */
  cutBack(): void {
    this.#file.file.truncate(this.#written.bytes);
  }

  /** Resolves when all that is written now survives a loss of power. */
  sync(): Promise<void> {
    return this.#file.file.sync();
  }

  /** Lets readers see what is written. */
  publish(): void {
    this.#readable = this.#written;
  }

  /** Takes in a batch that another process wrote at `position`, the end as it was known. */
  extend(header: BatchHeader, position: number): void {
    this.#index.add(header, position);
    const nextOffset = header.baseOffset + header.lastOffsetDelta + 1;
    this.#written = { bytes: position + batchLength(header), nextOffset };
    this.#readable = this.#written;
  }

  /** What the manifest will say of it. Everything written must be synced and published. */
  seal(): SealedEntry {
    return {
      baseOffset: this.baseOffset,
      nextOffset: this.#written.nextOffset,
      bytes: this.#written.bytes,
      maxTimestampMs: this.#index.maxTimestampMs,
    };
  }

  close(): void {
    this.#file.file.close();
  }
}

/** The path of a segment. */
export function segmentPath(place: LogPlace, baseOffset: number): string {
  return join(place.folder, segmentFileName(baseOffset));
}

/**
 * Opens a segment file and checks that it is the one that belongs there.
 *
 * @throws {SeglogError} `corrupt`, also when there is no file; `unsupported` for a later version
 */
export function openSegmentFile(
  place: LogPlace,
  baseOffset: number,
  mode: "read" | "write",
): SegmentFile {
  const path = segmentPath(place, baseOffset);
  if (place.disk.sizeOf(path) === undefined) {
    throw new SeglogError("corrupt", `Cannot open segment ${path}: the file is missing`);
  }
  const file = place.disk.open(path, mode);
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const header = decodeSegmentHeader(bytes.subarray(0, file.read(bytes, 0)));
    const complaint = typeof header === "string"
      ? header
      : header.logId !== place.logId
      ? `it belongs to log ${header.logId}, not to ${place.logId}`
      : header.baseOffset !== baseOffset
      ? `its header says base offset ${header.baseOffset}`
      : undefined;
    if (typeof header !== "string" && complaint === undefined) {
      return { file, salt: header.salt, createdMs: header.createdMs };
    }
    throw new SeglogError("corrupt", `Cannot open segment ${path}: ${complaint}`, {
      details: { path, position: 0 },
    });
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Makes a segment with its header; the file and its folder entry are durable when it resolves. */
async function createSegmentFile(
  place: LogPlace,
  header: Omit<SegmentHeader, "logId">,
): Promise<SegmentFile> {
  const path = segmentPath(place, header.baseOffset);
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

/** A new segment without records, ready to be appended to; durable when it resolves. */
export async function createActive(
  place: LogPlace,
  baseOffset: number,
  createdMs: number,
): Promise<ActiveSegment> {
  const salt = randomBytes(4).readUInt32LE();
  const file = await createSegmentFile(place, { salt, baseOffset, createdMs });
  const end = { bytes: SEGMENT_HEADER_BYTES, nextOffset: baseOffset };
  return new ActiveSegment(place, baseOffset, { file, index: new SparseIndex(baseOffset), end });
}

/** Writes the index beside its segment. It is a hint, so it is not synced; a torn one is noticed. */
export function saveIndex(place: LogPlace, segment: ReadableSegment): void {
  const { baseOffset, bytes } = segment;
  const path = join(place.folder, indexFileName(baseOffset));
  const temporary = `${path}.tmp`;
  removeIfThere(place.disk, temporary);
  const file = place.disk.create(temporary);
  try {
    const { salt } = segment.source();
    file.write(segment.index().encode({ salt, baseOffset, segmentBytes: bytes }), 0);
  } finally {
    file.close();
  }
  place.disk.rename(temporary, path);
}

/** The index beside a segment, or `undefined` on any doubt. */
export function loadIndex(
  place: LogPlace,
  file: SegmentFile,
  segment: { readonly baseOffset: number; readonly bytes: number },
): SparseIndex | undefined {
  const path = join(place.folder, indexFileName(segment.baseOffset));
  const bytes = readFile(place.disk, path, segment.bytes + 1024);
  if (bytes === undefined) return undefined;
  const { salt } = file;
  return SparseIndex.decode(bytes, {
    salt,
    baseOffset: segment.baseOffset,
    segmentBytes: segment.bytes,
  });
}

/** Builds an index anew, from the headers of the batches; damaged ones are passed over. */
function indexBatches(segment: SealedSegment): SparseIndex {
  const index = new SparseIndex(segment.baseOffset);
  const reader = new BlockReader(segment.source());
  let position: number | undefined = SEGMENT_HEADER_BYTES;
  while (position !== undefined && position < segment.bytes) {
    const batch = reader.batchAt(position, segment.bytes);
    if (typeof batch === "string") {
      position = reader.seekBatch(position + 1, segment.bytes)?.position;
      continue;
    }
    index.add(batch.header, position);
    position += batch.bytes.length;
  }
  return index;
}
