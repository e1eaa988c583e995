/**
 * Makes a store's catalogue anew from its folders, when its own cannot be believed.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { TopicInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { CATALOGUE_FILE, parsePartitionFolderName } from "../format/file_names.ts";
import { holdsLog } from "../log/no_log.ts";
import { keepBytes } from "../log/quarantine.ts";
import type { RepairReport } from "../log/repair.ts";
import { DEFAULT_TOPIC_CONFIG } from "../topic_config.ts";
import { writeCatalogue } from "./catalogue.ts";

/**
 * Every folder that holds a log becomes a partition again. The damaged file is kept in quarantine
 * before it is replaced, atomically.
 *
 * @param options with the store's `lock`; without it, nothing is changed
 * @throws {SeglogError} `corrupt` for a folder whose topic cannot be told, or that has no lower
 * partitions, with nothing changed
 */
export async function repairCatalogue(
  folder: string,
  { disk, lock }: { readonly disk: Disk; readonly lock: DiskLock | undefined },
): Promise<RepairReport> {
  const path = join(folder, CATALOGUE_FILE);
  const isThere = disk.sizeOf(path) !== undefined;
  const topics = topicsIn(disk, folder);
  const quarantined: string[] = [];
  if (lock !== undefined) {
    if (isThere) quarantined.push(await keepBytes({ disk, folder }, CATALOGUE_FILE));
    await writeCatalogue(disk, folder, { topics, dropping: [] }, { lock });
  }
  return {
    path: folder,
    isDamaged: true,
    places: [{ path, position: 0, message: isThere ? "it is damaged" : "it is missing" }],
    lost: [],
    quarantined,
    notes: [
      `the catalogue is made anew from the folders, with ${topics.length} topics: their settings are ` +
      "the defaults, their ids are new, and deleted topics whose folders were still there are back; " +
      "it follows nobody, and its epoch is 1",
    ],
  };
}

function topicsIn(disk: Disk, folder: string): TopicInfo[] {
  const partitions = new Map<string, number[]>();
  for (const { name, isFolder } of disk.list(folder) ?? []) {
    if (!isFolder || !holdsLog(disk, join(folder, name))) continue;
    const found = parsePartitionFolderName(name);
    if (found === undefined) {
      throw refusal(folder, `the name of the folder ${name} does not tell its topic`);
    }
    const { topic, partition } = found;
    partitions.set(topic, [...partitions.get(topic) ?? [], partition]);
  }
  return [...partitions].map(([name, numbers]) => {
    const count = Math.max(...numbers) + 1;
    if (count !== numbers.length) {
      throw refusal(folder, `"${name}" has a partition ${count - 1} and not all below it`);
    }
    const id = randomBytes(16).toString("hex");
    return { name, id, config: { ...DEFAULT_TOPIC_CONFIG, partitions: count } };
  });
}

function refusal(folder: string, why: string): SeglogError {
  return new SeglogError(
    "corrupt",
    `Cannot make the catalogue of ${folder} anew: ${why}. Nothing was changed; ` +
      `restore ${CATALOGUE_FILE}, or move the folder away`,
  );
}
