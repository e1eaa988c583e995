/**
 * Where bytes go that are no longer part of a log: a folder beside them, whose files are kept and
 * never written again.
 *
 * @module
 */
import { join } from "node:path";
import type { Disk } from "../disk/disk.ts";
import { copyRange } from "../disk/files.ts";
import { QUARANTINE_FOLDER } from "../format/file_names.ts";

/** A folder, and the disk that it is on. */
export interface QuarantinePlace {
  readonly disk: Disk;
  readonly folder: string;
}

/**
 * Copies bytes `[from, to)` of a file; durable when it resolves.
 *
 * @param range the whole file unless given; else the copy's name ends in its first position
 * @returns the path of the copy
 */
export async function keepBytes(
  place: QuarantinePlace,
  name: string,
  range?: { readonly from: number; readonly to: number },
): Promise<string> {
  const { disk } = place;
  const folder = await makeQuarantine(place);
  const path = freeName(disk, join(folder, range === undefined ? name : `${name}.${range.from}`));
  await copyRange(disk, { path: join(place.folder, name), ...range ?? { from: 0 } }, path);
  await disk.syncFolder(folder);
  return path;
}

/** Moves a whole file into quarantine. The move is durable before a new file can take the name. */
export async function quarantineFile(place: QuarantinePlace, name: string): Promise<string> {
  const folder = await makeQuarantine(place);
  const path = freeName(place.disk, join(folder, name));
  place.disk.rename(join(place.folder, name), path);
  await place.disk.syncFolder(folder);
  await place.disk.syncFolder(place.folder);
  return path;
}

async function makeQuarantine(place: QuarantinePlace): Promise<string> {
  const folder = join(place.folder, QUARANTINE_FOLDER);
  place.disk.makeFolder(folder);
  await place.disk.syncFolder(place.folder);
  return folder;
}

function freeName(disk: Disk, path: string): string {
  let free = path;
  for (let copy = 2; disk.sizeOf(free) !== undefined; copy++) free = `${path}~${copy}`;
  return free;
}
