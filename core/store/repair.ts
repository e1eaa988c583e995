/**
 * Repairs a partition's log, or a store's catalogue: the only way past damage.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { systemClock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import { CATALOGUE_FILE, partitionFolderName } from "../format/file_names.ts";
import { lockFolder, lockLog } from "../log/open_log.ts";
import { type LogRepairOptions, repairLog, type RepairReport } from "../log/repair.ts";
import { type Catalogue, isMarked, readCatalogue } from "./catalogue.ts";
import { holdsLog } from "../log/no_log.ts";
import { repairCatalogue } from "./repair_catalogue.ts";

/** How much may be lost, and where. */
export interface RepairOptions {
  /** Offsets `[start, end)` that may be given up, and no others; none unless given. */
  readonly acceptLoss?: { readonly start: number; readonly end: number };
  /** Only say what would be done; needs no lock. */
  readonly dryRun?: boolean;
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
}

/**
 * Gets a damaged log going again: what is whole is kept, what cannot be read is given up as far as
 * `acceptLoss` allows, and readers are told so by the error `lost`. Every damaged byte is kept in
 * `quarantine/`. A damaged manifest is made anew from the segments, a store's damaged catalogue from
 * its folders.
 *
 * A crash on the way leaves the log as it was or repaired. It takes the lock of the log, or of the
 * store that it is in.
 *
 * @param path folder of one log: by itself, or one partition of a store; or of a store
 * @returns what was lost and what was kept; nothing was changed when nothing was damaged
 * @throws {SeglogError} `corrupt` when more would be lost than is accepted, naming the offsets, with
 * nothing changed; `locked` when another process owns the log; `not-found`
 *
 * @example
 * ```ts
 * import { Log, MemoryDisk, repair } from "seglog";
 *
 * const disk = new MemoryDisk();
 * await (await Log.open("/orders", { disk })).close();
 * const report = await repair("/orders", { acceptLoss: { start: 3, end: 5 }, disk });
 * console.assert(!report.isDamaged && report.lost.length === 0);
 * ```
 */
export async function repair(path: string, options: RepairOptions = {}): Promise<RepairReport> {
  const { acceptLoss = { start: 0, end: 0 }, dryRun = false, disk = nodeDisk } = options;
  const folder = resolve(path);
  const { start, end } = acceptLoss;
  if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot accept the loss of offsets ${start}:${end}: give two whole numbers, the lower first`,
    );
  }
  const logOptions = { disk, acceptLoss, nowMs: systemClock.now() };
  if (holdsLog(disk, folder)) {
    const lock = dryRun ? undefined : lockLog(disk, folder);
    return await released(lock, () => repairLog(folder, { ...logOptions, lock }));
  }
  const catalogue = catalogueOf(disk, folder);
  if (catalogue !== "damaged") return await allPartitions(folder, catalogue, logOptions);
  const lock = dryRun ? undefined : lockFolder(disk, folder);
  return await released(lock, () => repairCatalogue(folder, { disk, lock }));
}

async function released<T>(lock: DiskLock | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } finally {
    lock?.release();
  }
}

function catalogueOf(disk: Disk, folder: string): Catalogue | "damaged" {
  let catalogue: Catalogue | undefined;
  try {
    catalogue = readCatalogue(disk, folder);
  } catch (error) {
    const isUnfinished = disk.sizeOf(join(folder, CATALOGUE_FILE)) === undefined &&
      isMarked(disk, folder);
    if (error instanceof SeglogError && error.code === "corrupt" && !isUnfinished) return "damaged";
    throw error;
  }
  if (catalogue !== undefined) return catalogue;
  throw new SeglogError("not-found", `Cannot repair ${folder}: no store and no log is there`);
}

/**
 * Looks at each partition; offsets mean something in one of them only, so that one has to be named.
 *
 * @throws {SeglogError} `corrupt` when one is damaged, with the command for each that is
 */
async function allPartitions(
  folder: string,
  { topics }: Catalogue,
  options: LogRepairOptions,
): Promise<RepairReport> {
  const complaints: string[] = [];
  let records = 0;
  for (const { name, config } of topics) {
    for (let partition = 0; partition < config.partitions; partition++) {
      const path = join(folder, partitionFolderName(name, partition));
      try {
        const report = await repairLog(path, options);
        records += report.records ?? 0;
        if (report.isDamaged) complaints.push(`${path} is damaged`);
      } catch (error) {
        if (!(error instanceof SeglogError)) throw error;
        complaints.push(error.message);
      }
    }
  }
  if (complaints.length > 0) {
    throw new SeglogError(
      "corrupt",
      `Cannot repair ${folder} as a whole: name the folder of one partition. ${
        complaints.join(". ")
      }`,
    );
  }
  return {
    path: folder,
    isDamaged: false,
    places: [],
    lost: [],
    records,
    quarantined: [],
    notes: [],
  };
}
