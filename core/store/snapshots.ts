/**
 * A backup folder and the snapshots in it: each is a folder, named by its time, with a whole store.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import { CATALOGUE_FILE, MANIFEST_FILE } from "../format/file_names.ts";
import { Log } from "../log/log.ts";
import { isMarked, readCatalogue } from "./catalogue.ts";
import { partitionFolders } from "./topic_registry.ts";

/** A store as it was at one time. */
export interface Snapshot {
  /** The name of its folder: when it was begun, as in `20261125T010634.123Z`. */
  readonly name: string;
  /** Its folder, a store that can be read where it is. */
  readonly path: string;
  /** When it was begun, in milliseconds since 1970. */
  readonly createdMs: number;
  /** Topics in it. */
  readonly topics: number;
  /** Records in it, without those of partitions that cannot be opened. */
  readonly records: number;
  /** Bytes of its segments, those that it shares with other snapshots included. */
  readonly bytes: number;
}

const SNAPSHOT_NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d{3}Z)$/;

/**
 * The snapshots in a backup folder, oldest first. What a backup that was cut short has left is none.
 *
 * @param folder where {@linkcode backup} puts them
 * @throws {SeglogError} `not-found` when there is no such folder
 *
 * @example
 * ```ts
 * import { backup, listSnapshots, MemoryDisk, Store } from "seglog";
 *
 * const disk = new MemoryDisk(); // leave it out for the file system
 * await using store = await Store.open("/data", { disk });
 * await store.append("orders", [{ value: "a" }, { value: "b" }]);
 * await backup("/data", "/backups", { disk });
 * const [snapshot] = await listSnapshots("/backups", { disk });
 * console.assert(snapshot?.records === 2);
 * ```
 */
export async function listSnapshots(
  folder: string,
  options: { readonly disk?: Disk } = {},
): Promise<Snapshot[]> {
  const disk = options.disk ?? nodeDisk;
  const snapshots: Snapshot[] = [];
  for (const { name, isWhole } of snapshotFolders(disk, folder)) {
    if (isWhole) snapshots.push(await describeSnapshot(disk, { folder, name }));
  }
  return snapshots;
}

/** What is in a snapshot. */
export async function describeSnapshot(
  disk: Disk,
  place: { readonly folder: string; readonly name: string },
): Promise<Snapshot> {
  const { folder, name } = place;
  const path = join(folder, name);
  const topics = readTopics(disk, path);
  let records = 0;
  let bytes = 0;
  for (const partition of topics.flatMap(partitionFolders)) {
    try {
      await using log = await Log.open(join(path, partition), { disk, readOnly: true });
      records += log.recordCount;
      bytes += log.bytes;
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error; // damaged: `verify` says how
    }
  }
  return { name, path, createdMs: snapshotTime(name)!, topics: topics.length, records, bytes };
}

/** Folders that are snapshots by their name, oldest first, and whether a backup has finished them. */
export function snapshotFolders(
  disk: Disk,
  folder: string,
): { readonly name: string; readonly isWhole: boolean }[] {
  const entries = disk.list(folder);
  if (entries === undefined) {
    throw new SeglogError("not-found", `Cannot find snapshots in ${folder}: no such folder`);
  }
  return entries
    .filter(({ name, isFolder }) => isFolder && snapshotTime(name) !== undefined)
    .map(({ name }) => name).toSorted()
    .map((name) => ({ name, isWhole: isStore(disk, join(folder, name)) }));
}

/**
 * The folder of the snapshot that is meant.
 *
 * @param source a snapshot, or the folder of several
 * @param name of one of several; the newest unless given
 * @throws {SeglogError} `not-found`
 */
export function findSnapshot(disk: Disk, source: string, name: string | undefined): string {
  if (name === undefined && isStore(disk, source)) return source;
  const refuse = (why: string) =>
    new SeglogError("not-found", `Cannot restore from ${source}: ${why}`);
  if (disk.list(source) === undefined) throw refuse("there is no such folder");
  const folders = snapshotFolders(disk, source);
  const found = name === undefined
    ? folders.findLast(({ isWhole }) => isWhole)
    : folders.find((folder) => folder.name === name);
  if (found?.isWhole) return join(source, found.name);
  if (found !== undefined || snapshotTime(basename(source)) !== undefined) {
    throw refuse(
      `${name ?? "it"} is an unfinished snapshot, of a backup that was cut short; name another`,
    );
  }
  throw refuse(name === undefined ? "it holds no whole snapshot" : `it has no snapshot ${name}`);
}

/** Whether a store is there. */
export function isStore(disk: Disk, folder: string): boolean {
  return disk.sizeOf(join(folder, CATALOGUE_FILE)) !== undefined;
}

/** Whether a copy was cut short there: the folder is marked as one, or empty, and no store. */
export function isUnfinished(disk: Disk, folder: string): boolean {
  if (isStore(disk, folder)) return false;
  return isMarked(disk, folder) || disk.list(folder)?.length === 0;
}

/** Copies are made beside stores, not in them: what is in a store goes with its topics. */
export function checkOutsideStores(disk: Disk, folder: string, action: string): void {
  for (let path = dirname(folder); path !== dirname(path); path = dirname(path)) {
    if (!isStore(disk, path) && disk.sizeOf(join(path, MANIFEST_FILE)) === undefined) continue;
    throw new SeglogError(
      "invalid-argument",
      `Cannot ${action}: it is within ${path}, which is a store or a log; name a folder outside`,
    );
  }
}

/** `20261125T010634.123Z` */
export function snapshotName(createdMs: number): string {
  return new Date(createdMs).toISOString().replace(/[-:]/g, "");
}

/** The time in a snapshot's name, or `undefined` for any other name. */
export function snapshotTime(name: string): number | undefined {
  const ms = Date.parse(name.replace(SNAPSHOT_NAME, "$1-$2-$3T$4:$5:$6"));
  return SNAPSHOT_NAME.test(name) && !Number.isNaN(ms) ? ms : undefined;
}

function readTopics(disk: Disk, folder: string) {
  try {
    return readCatalogue(disk, folder)?.topics ?? [];
  } catch (error) {
    if (error instanceof SeglogError && error.code === "corrupt") return [];
    throw error;
  }
}
