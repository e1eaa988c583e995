/**
 * The two states of a segment. An active one is appended to and is sealed once; a sealed one never
 * changes. Both are read alike.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { Observers, WrittenBatches } from "../base/observer.ts";
import {
  SPACE_AHEAD_BYTES_MAX,
  SPACE_AHEAD_BYTES_MIN,
  SPACE_AHEAD_COMMITS,
} from "../base/limits.ts";
import { type BatchHeader, batchLength } from "../format/batch_header.ts";
import { SEGMENT_HEADER_BYTES } from "../format/segment_header.ts";
import { withFilter } from "./filter_file.ts";
import type { KeyFilter } from "./key_filter.ts";
import { buildIndex, loadIndex } from "./index_file.ts";
import type { CleanEnd, SealedEntry } from "./manifest.ts";
import type { OpenFiles } from "./open_files.ts";
import {
  createSegmentFile,
  type LogPlace,
  newSalt,
  openSegmentFile,
  type ReadableSegment,
  type ReadableSegmentFile,
  type SegmentFile,
  segmentPath,
} from "./segment_file.ts";
import { SparseIndex } from "./sparse_index.ts";
import { unusedSpace } from "./unused_space.ts";

/** A segment that is complete: its file is opened, and its index loaded, when needed. */
export class SealedSegment implements ReadableSegment {
  readonly path: string;
  readonly entry: SealedEntry;
  readonly #place: LogPlace;
  readonly #files: OpenFiles;
  #source: ReadableSegmentFile | undefined;
  #index: SparseIndex | undefined;

  /** @param files keeps the file open while there is room */
  constructor(place: LogPlace, entry: SealedEntry, files: OpenFiles) {
    this.#place = place;
    this.#files = files;
    this.entry = entry;
    this.path = segmentPath(place, entry);
  }

  get baseOffset(): number {
    return this.entry.baseOffset;
  }

  get generation(): number {
    return this.entry.generation;
  }

  get records(): number {
    return this.entry.records;
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

  source(): ReadableSegmentFile {
    this.#source ??= this.#files.keepSegment(() =>
      openSegmentFile(this.#place, this.entry, "read")
    );
    return this.#source;
  }

  index(): SparseIndex {
    this.#index ??= loadIndex(this.#place, this.source(), this) ??
      buildIndex(this.source(), this);
    return this.#index;
  }

  rebuildIndex(): SparseIndex {
    this.#index = buildIndex(this.source(), this);
    return this.#index;
  }

  mayHold(key: Uint8Array): boolean {
    return withFilter(this.#place, this, (filter) => filter.mayHold(key)) ?? true;
  }

  /** Its filter in memory, to be asked for many keys; `undefined` when there is none. */
  loadFilter(): KeyFilter | undefined {
    return withFilter(this.#place, this, (filter) => filter.loaded());
  }

  close(): void {
    this.#source?.file.close();
    this.#source = undefined;
  }
}

/** A batch in bytes that are written together with others. */
interface PlacedBatch {
  readonly header: BatchHeader;
  readonly length: number;
}

/** How far a segment goes, and what it holds. */
interface SegmentExtent {
  readonly bytes: number;
  readonly nextOffset: number;
  readonly records: number;
}

/** The segment that is appended to. What is written becomes readable when it is published. */
export class ActiveSegment implements ReadableSegment {
  readonly path: string;
  readonly baseOffset: number;
  readonly createdMs: number;
  readonly salt: number;
  readonly #file: SegmentFile;
  readonly #observers: Observers | undefined;
  #index: SparseIndex;
  #written: SegmentExtent;
  #readable: SegmentExtent;
  /** Where the file ends, with the space that it has taken ahead. */
  #fileEnd: number;

  /** @param state with where its batches end; `index` covers them, and each offset has a record unless told */
  constructor(
    place: LogPlace,
    baseOffset: number,
    state: { file: SegmentFile; index: SparseIndex; end: CleanEnd },
  ) {
    this.path = segmentPath(place, { baseOffset });
    this.baseOffset = baseOffset;
    this.createdMs = state.file.createdMs;
    this.salt = state.file.salt;
    this.#file = state.file;
    this.#observers = place.observers;
    this.#index = state.index;
    const { bytes, nextOffset, records = nextOffset - baseOffset } = state.end;
    this.#written = { bytes, nextOffset, records };
    this.#readable = this.#written;
    this.#fileEnd = state.end.bytes;
  }

  get nextOffset(): number {
    return this.#readable.nextOffset;
  }

  get records(): number {
    return this.#readable.records;
  }

  get bytes(): number {
    return this.#readable.bytes;
  }

  get maxTimestampMs(): number {
    return this.#index.maxTimestampMs;
  }

  /** Where the next batch goes: bytes and offset; and the records before it. */
  get written(): SegmentExtent {
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

  rebuildIndex(): SparseIndex {
    const { baseOffset } = this;
    this.#index = buildIndex(this.#file, { baseOffset, ...this.#written });
    return this.#index;
  }

  mayHold(): boolean {
    return true;
  }

  /**
   * Writes whole batches at the end, by one positional write. When it throws, part of the bytes may
   * be in the file: {@linkcode cutBack} or give the log up.
   */
  write(bytes: Uint8Array, batches: readonly PlacedBatch[]): void {
    this.#file.file.write(bytes, this.#written.bytes);
    let { bytes: position, records } = this.#written;
    for (const { header, length } of batches) {
      this.#index.add(header, position);
      position += length;
      records += header.recordCount;
    }
    const nextOffset = endOf(batches.at(-1)!.header);
    this.#written = { bytes: position, nextOffset, records };
    this.#fileEnd = Math.max(this.#fileEnd, position);
    if (this.#observers === undefined || this.#observers.isEmpty) return;
    const written = summed(bytes, batches);
    this.#observers.tell((observer) => observer.written?.(written));
  }

  /**
   * Takes space on disk for what comes next, when there is none left: as much again as the segment
   * has, up to a bound, and only where several commits like this one fit: to write it costs more
   * than the syncs of fewer would win. It is no part of the log wherever it ends, so a crash between
   * or within the writes does no harm, nor does a disk that has no such room. Readers beside the owner
   * see it filled at any moment: they look again before they call it damage.
   *
   * @param bytesMax of the segment
   * @param commitBytes that the next sync is for
   */
  takeSpace(bytesMax: number, commitBytes: number): void {
    const { bytes } = this.#written;
    if (this.#fileEnd > bytes || bytes < SPACE_AHEAD_BYTES_MIN) return;
    if (commitBytes === 0 || SPACE_AHEAD_COMMITS * commitBytes > SPACE_AHEAD_BYTES_MAX) return;
    const ahead = Math.min(bytes, SPACE_AHEAD_BYTES_MAX, bytesMax - bytes);
    if (ahead <= 0) return;
    this.#fileEnd = bytes + ahead;
    try {
      this.#file.file.write(unusedSpace(ahead), bytes);
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
    }
  }

  /** Whether space was taken ahead that is not used. */
  get hasSpace(): boolean {
    return this.#fileEnd > this.#written.bytes;
  }

  /** Cuts the file where its last batch ends: what a failed write left, and space taken ahead. */
  cutBack(): void {
    this.#file.file.truncate(this.#written.bytes);
    this.#fileEnd = this.#written.bytes;
  }

  /** Resolves when all that is written now survives a loss of power. */
  sync(): Promise<void> {
    const observers = this.#observers;
    if (observers === undefined || observers.isEmpty) return this.#file.file.sync();
    const startMs = performance.now();
    const tell = (error?: unknown) => {
      const ms = performance.now() - startMs;
      observers.tell((observer) => observer.synced?.(ms, error));
    };
    return this.#file.file.sync().then(tell, (error) => {
      tell(error);
      throw error;
    });
  }

  /** Lets readers see what is written. */
  publish(): void {
    this.#readable = this.#written;
  }

  /** Passes over bytes that another process wrote and that cannot be read. */
  passOver({ bytes, nextOffset }: { bytes: number; nextOffset: number }): void {
    this.#index.addUnknown();
    const records = this.#written.records + nextOffset - this.#written.nextOffset;
    this.#written = { bytes, nextOffset, records };
    this.#readable = this.#written;
  }

  /** Takes in a batch that another process wrote at `position`, the end as it was known. */
  extend(header: BatchHeader, position: number): void {
    this.#index.add(header, position);
    this.#written = {
      bytes: position + batchLength(header),
      nextOffset: endOf(header),
      records: this.#written.records + header.recordCount,
    };
    this.#readable = this.#written;
  }

  /** What the manifest will say of it. Everything written must be synced and published. */
  seal(): SealedEntry {
    const { baseOffset } = this;
    const { nextOffset, records, bytes } = this.#written;
    const { maxTimestampMs } = this.#index;
    return { baseOffset, generation: 0, nextOffset, records, bytes, maxTimestampMs };
  }

  close(): void {
    this.#file.file.close();
  }
}

/** The offset after the last that a batch covers. */
function endOf({ baseOffset, lastOffsetDelta }: BatchHeader): number {
  return baseOffset + lastOffsetDelta + 1;
}

/** A new segment without records, ready to be appended to; durable when it resolves. */
export async function createActive(
  place: LogPlace,
  baseOffset: number,
  createdMs: number,
): Promise<ActiveSegment> {
  const salt = newSalt();
  const file = await createSegmentFile(place, { salt, baseOffset, createdMs });
  const end = { bytes: SEGMENT_HEADER_BYTES, nextOffset: baseOffset };
  return new ActiveSegment(place, baseOffset, { file, index: new SparseIndex(baseOffset), end });
}

function summed(bytes: Uint8Array, batches: readonly PlacedBatch[]): WrittenBatches {
  let records = 0;
  let saved = 0;
  for (const { header } of batches) {
    records += header.recordCount;
    saved += header.uncompressedLength - header.payloadLength;
  }
  const { length } = bytes;
  return { batches: batches.length, records, bytes: length, uncompressedBytes: length + saved };
}
