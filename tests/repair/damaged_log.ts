/** A log on a disk in memory, and ways to damage it. */
import { join } from "node:path";
import { Log, type LogRecord, SeglogError } from "../../mod.ts";
import type { TrickDisk } from "../support/trick_disk.ts";

export const FOLDER = "/data/log";
/** Segments of four batches with a record each: 0 to 3, 4 to 7, …, and 16 to 19 in the active one. */
export const SEGMENT_BYTES = 4096;
export const COUNT = 20;
const PER_SEGMENT = 4;
const VALUE_BYTES = 900;
/** Header, record with its tags and lengths, padded. */
const BATCH_BYTES = 64 + 912;

/** The value of the record at this offset. */
export function valueAt(offset: number): string {
  return `value ${offset} `.padEnd(VALUE_BYTES, "x");
}

/** A log of twenty records, closed well or left as a kill leaves it. */
export async function fillLog(
  disk: TrickDisk,
  { isClosed = true }: { isClosed?: boolean } = {},
): Promise<void> {
  const log = await Log.open(FOLDER, { disk, segmentBytes: SEGMENT_BYTES });
  for (let offset = 0; offset < COUNT; offset++) await log.append({ value: valueAt(offset) });
  if (isClosed) await log.close();
  else disk.crash(); // everything was synced: it takes the lock only
}

/** The segment that holds an offset. */
export function segmentOf(offset: number): string {
  const base = offset - offset % PER_SEGMENT;
  return join(FOLDER, `${String(base).padStart(20, "0")}.log`);
}

/** Where the batch with this offset starts in its segment. */
export function positionOf(offset: number): number {
  return 64 + offset % PER_SEGMENT * BATCH_BYTES;
}

export function bytesOf(disk: TrickDisk, path: string): Uint8Array {
  const file = disk.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  return bytes;
}

export function overwrite(
  disk: TrickDisk,
  path: string,
  { at, bytes }: { at: number; bytes: Uint8Array },
): void {
  disk.open(path, "write").write(bytes, at);
}

/** Changes one bit. */
export function flip(disk: TrickDisk, path: string, at: number): void {
  overwrite(disk, path, { at, bytes: Uint8Array.of(bytesOf(disk, path)[at]! ^ 1) });
}

/** Changes a bit of the payload of a batch. */
export function flipPayload(disk: TrickDisk, offset: number): void {
  flip(disk, segmentOf(offset), positionOf(offset) + 300);
}

/** Changes a bit of the header of a batch. */
export function flipHeader(disk: TrickDisk, offset: number): void {
  flip(disk, segmentOf(offset), positionOf(offset) + 20);
}

/** Makes a sector of a disk zero. */
export function zeroSector(disk: TrickDisk, path: string, sector: number): void {
  overwrite(disk, path, { at: sector * 512, bytes: new Uint8Array(512) });
}

export function cut(disk: TrickDisk, path: string, size: number): void {
  disk.open(path, "write").truncate(size);
}

/** Makes everything in the log's folder durable. */
export async function settle(disk: TrickDisk): Promise<void> {
  for (const path of filesIn(disk, FOLDER).keys()) await disk.open(path, "write").sync();
  await disk.syncFolder(FOLDER);
}

/** All files of a folder and those below it, but for locks. */
export function filesIn(disk: TrickDisk, folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const { name, isFolder } of (disk.list(folder) ?? [])) {
    const path = join(folder, name);
    if (isFolder) { for (const [inner, bytes] of filesIn(disk, path)) files.set(inner, bytes); }
    else if (name !== "LOCK") files.set(path, bytesOf(disk, path));
  }
  return files;
}

/** What a reader gets that goes on behind what was lost: texts of records, and what it was told. */
export async function readPast(
  log: Log,
  { reverse = false }: { reverse?: boolean } = {},
): Promise<string[]> {
  const seen: string[] = [];
  let range: { from?: number; until?: number } = {};
  for (;;) {
    try {
      for await (const record of log.records({ ...range, reverse })) seen.push(shownRecord(record));
      return seen;
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code !== "lost") throw error;
      const { start, end } = error.details as { start: number; end: number };
      seen.push(`lost ${start}..${end}`);
      range = reverse ? { until: start } : { from: end };
    }
  }
}

function shownRecord({ offset, text }: LogRecord): string {
  return text === valueAt(offset) ? `${offset}` : `${offset} is not what it was`;
}

/** What a reader should get when these offsets are lost. */
export function expectedPast(
  lost: readonly { readonly start: number; readonly end: number }[],
  nextOffset: number,
): string[] {
  const seen: string[] = [];
  for (let offset = 0; offset < nextOffset;) {
    const range = lost.find(({ start }) => start === offset);
    if (range === undefined) seen.push(`${offset++}`);
    else {
      seen.push(`lost ${range.start}..${range.end}`);
      offset = range.end;
    }
  }
  return seen;
}
