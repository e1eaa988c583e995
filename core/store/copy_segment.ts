/**
 * Copies segment files, and verifies what was copied. Damage is copied as it is, and told.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { messageOf, SeglogError } from "../base/errors.ts";
import { READ_BLOCK_BYTES } from "../base/limits.ts";
import type { Disk, DiskFile } from "../disk/disk.ts";
import { writeNewFile } from "../disk/files.ts";
import type { SegmentName } from "../format/file_names.ts";
import { indexPath } from "../log/index_file.ts";
import { type CleanEnd, cleanEnd, type Manifest, type SealedEntry } from "../log/manifest.ts";
import type { ProducerState } from "../format/producer_state.ts";
import { ProducerTable } from "../log/producers.ts";
import { type LogPlace, openSegmentFile, segmentPath } from "../log/segment_file.ts";
import { SparseIndex } from "../log/sparse_index.ts";
import { Problems, type VerifyProblem } from "./verify_report.ts";
import { SegmentVerifier } from "./verify_segment.ts";

/** From where to where, and who is told of bytes as they are copied. */
export interface CopyRoute {
  readonly from: LogPlace;
  readonly to: LogPlace;
  readonly onBytes: (bytes: number) => void;
}

/** A segment that was copied. */
export interface CopiedSegment {
  readonly bytes: number;
  readonly problems: readonly VerifyProblem[];
}

/** The active segment as far as it was copied, not synced yet. */
export interface CopiedActive extends CopiedSegment {
  /** Where its whole batches end; `undefined` when it is damaged, and was copied as it is. */
  readonly end: CleanEnd | undefined;
  readonly index: Uint8Array | undefined;
  /** The producers as of its end. */
  readonly producers: readonly ProducerState[];
  /** Whether the source was cut back meanwhile: what was copied was never to be. */
  readonly isTakenBack: boolean;
}

/** Bytes that are copied before other tasks get their turn. */
const BYTES_PER_TURN = 8 * 1024 * 1024;

/**
 * Copies a sealed segment; it is synced when this resolves. Only one that is whole gets an index.
 *
 * @returns `undefined` when there is no such file
 */
export async function copySealed(
  route: CopyRoute,
  manifest: Manifest,
  entry: SealedEntry,
): Promise<CopiedSegment | undefined> {
  const { baseOffset } = entry;
  const source = openSource(route.from, entry);
  if (source === undefined) return undefined;
  const { disk } = route.to;
  const copy = disk.create(segmentPath(route.to, entry));
  try {
    const bytes = await copyBytes({ ...route, source: source.file, target: copy }, entry.bytes);
    await copy.sync();
    const found = new Problems();
    const verifier = new SegmentVerifier(route.from, manifest, found);
    const otherwise = bytes < entry.bytes ? "damage" : "notice";
    const { salt, complaint } = source;
    if (salt === undefined) {
      const { generation, nextOffset: end } = entry;
      verifier.unread({ start: baseOffset, generation, end, otherwise }, complaint);
      return { bytes, problems: damageOf(found) };
    }
    const index = new SparseIndex(baseOffset);
    verifier.readSealed({ file: copy, salt }, entry, otherwise, ({ header }, position) => {
      index.add(header, position);
    });
    if (found.all.length === 0) {
      const path = indexPath(route.to, entry);
      await writeNewFile(disk, path, index.encode({ salt, baseOffset, segmentBytes: bytes }));
    }
    return { bytes, problems: damageOf(found) };
  } finally {
    copy.close();
    source.file.close();
  }
}

/**
 * Copies the active segment, whose owner may be writing. How much of it counts is decided as
 * recovery decides: up to its last whole batch, or all of it when what was durable is damaged.
 *
 * @returns `undefined` when there is no such file
 */
export async function copyActive(
  route: CopyRoute,
  manifest: Manifest,
): Promise<CopiedActive | undefined> {
  const { activeBaseOffset: baseOffset, clean } = manifest;
  const source = openSource(route.from, { baseOffset });
  if (source === undefined) return undefined;
  const copy = route.to.disk.create(segmentPath(route.to, { baseOffset }));
  try {
    const size = await copyBytes({ ...route, source: source.file, target: copy }, Infinity);
    const damaged = { bytes: size, end: undefined, index: undefined, isTakenBack: false };
    const found = new Problems();
    const verifier = new SegmentVerifier(route.from, manifest, found);
    const { salt, complaint } = source;
    if (salt === undefined) {
      const segment = { start: baseOffset, end: clean?.nextOffset, otherwise: "damage" } as const;
      verifier.unread(segment, complaint);
      return { ...damaged, problems: damageOf(found), producers: manifest.producers };
    }
    const index = new SparseIndex(baseOffset);
    const producers = new ProducerTable(manifest.producers);
    let records = 0;
    const scan = verifier.readActive({ file: copy, salt }, size, "damage", (batch, position) => {
      index.add(batch.header, position);
      records += batch.header.recordCount;
      const producer = batch.producer();
      const range = { start: batch.baseOffset, end: batch.nextOffset };
      if (producer !== undefined) producers.note(producer, range);
    });
    if (scan.isDamaged) {
      return { ...damaged, problems: damageOf(found), producers: manifest.producers };
    }
    const { bytes, nextOffset } = scan.end;
    return {
      bytes,
      problems: damageOf(found),
      end: cleanEnd(baseOffset, { nextOffset, bytes, records }),
      index: index.encode({ salt, baseOffset, segmentBytes: bytes }),
      producers: producers.snapshot(),
      isTakenBack: source.file.size() < bytes,
    };
  } finally {
    copy.close();
    source.file.close();
  }
}

/** Copies a whole file as it is; it is synced when this resolves. */
export async function copyFile(
  disk: Disk,
  paths: { readonly from: string; readonly to: string },
  onBytes: (bytes: number) => void,
): Promise<number> {
  const source = disk.open(paths.from, "read");
  const target = disk.create(paths.to);
  try {
    const bytes = await copyBytes({ source, target, onBytes }, Infinity);
    await target.sync();
    return bytes;
  } finally {
    target.close();
    source.close();
  }
}

/** @returns bytes copied: fewer than `bytesMax` when the file ends before */
async function copyBytes(
  files: { source: DiskFile; target: DiskFile; onBytes: (bytes: number) => void },
  bytesMax: number,
): Promise<number> {
  const { source, target, onBytes } = files;
  const block = new Uint8Array(READ_BLOCK_BYTES);
  const size = Math.min(bytesMax, source.size());
  let position = 0;
  while (position < size) {
    const wanted = block.subarray(0, Math.min(block.length, size - position));
    const read = source.read(wanted, position);
    if (read === 0) break; // it was cut meanwhile
    target.write(wanted.subarray(0, read), position);
    position += read;
    onBytes(read);
    if (position % BYTES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return position;
}

/** A segment file to copy; without a salt, and with a complaint, when its header is damaged. */
interface Source {
  readonly file: DiskFile;
  readonly salt?: number;
  readonly complaint: string;
}

function openSource(place: LogPlace, segment: SegmentName): Source | undefined {
  const path = segmentPath(place, segment);
  try {
    return { ...openSegmentFile(place, segment, "read"), complaint: "" };
  } catch (error) {
    if (!(error instanceof SeglogError)) throw error;
    if (place.disk.sizeOf(path) === undefined) return undefined;
    if (error.code !== "corrupt") throw error;
    return { file: place.disk.open(path, "read"), complaint: messageOf(error) };
  }
}

/** What loses data, or keeps writers out. */
function damageOf({ all }: Problems): VerifyProblem[] {
  return all.filter(({ severity }) => severity === "damage");
}
