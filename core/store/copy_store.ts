/**
 * Copies a whole store beside its owner: what a backup makes of a store, and a restore of a backup.
 *
 * @module
 */
import { join } from "node:path";
import type { TopicInfo } from "../backend.ts";
import { encodeUtf8 } from "../base/bytes.ts";
import type { Disk } from "../disk/disk.ts";
import { writeNewFile } from "../disk/files.ts";
import { UNFINISHED_FILE } from "../format/file_names.ts";
import { type Catalogue, epochOf, writeCatalogue } from "./catalogue.ts";
import { copyLog, type LogCopy } from "./copy_log.ts";
import { existingCatalogue, partitionFolders } from "./topic_registry.ts";

/** How a store is copied. */
export interface StoreCopyTask {
  readonly disk: Disk;
  /** Its folder. */
  readonly from: string;
  /** The folder of the copy, which is there; it has no catalogue. */
  readonly to: string;
  /** An earlier copy, on the same disk as `to`: what both have is linked. */
  readonly earlier?: string | undefined;
  /** Is told of bytes as they are copied. */
  readonly onBytes?: (bytes: number) => void;
}

const MARK = encodeUtf8(
  "A copy of a store is being made here. Without store.json, it is not whole.\n",
);

/**
 * Copies a store. Each partition is cut at one moment; a topic that is deleted meanwhile is left
 * out. The catalogue comes last, when everything else is durable: without it the copy is no store,
 * so a crash leaves none that is not whole. A mark tells such remains from a store that has lost its
 * catalogue. The copy of a replica is no replica: it can be written to.
 *
 * @throws {SeglogError} `not-found` when no store is there; `corrupt` when its catalogue is damaged
 */
export async function copyStore(task: StoreCopyTask): Promise<LogCopy> {
  const { disk, from, to } = task;
  await markUnfinished(disk, to);
  const copies = new Map<TopicInfo, LogCopy[]>();
  const existing = existingCatalogue(disk, from);
  for (const info of existing.topics) {
    copies.set(info, await copyTopic(task, info));
  }
  const listed = listedIds(task);
  for (const info of copies.keys()) {
    if (listed.has(info.id)) continue;
    // Its folders may have been gone already, or those of another topic of this name.
    for (const name of partitionFolders(info)) disk.removeFolder(join(to, name));
    copies.delete(info);
  }
  await finishCopy(disk, to, { ...existing, topics: [...copies.keys()] });
  return total([...copies.values()].flat());
}

/** Marks a folder as one in which a copy is being made, durably. */
export async function markUnfinished(disk: Disk, folder: string): Promise<void> {
  await writeNewFile(disk, join(folder, UNFINISHED_FILE), MARK);
  await disk.syncFolder(folder);
}

/**
 * Makes a store of a marked folder whose files are synced. It can be written to, whatever it is a copy
 * of: it follows nobody.
 */
export async function finishCopy(
  disk: Disk,
  folder: string,
  { topics, ...known }: Pick<Catalogue, "topics" | "epoch" | "follows">,
): Promise<void> {
  await disk.syncFolder(folder);
  const epoch = epochOf({ topics, dropping: [], ...known });
  const noted = epoch === 1 ? {} : { epoch };
  await writeCatalogue(disk, folder, { topics, dropping: [], ...noted });
  disk.removeFile(join(folder, UNFINISHED_FILE)); // beside a catalogue it says nothing any more
}

async function copyTopic(task: StoreCopyTask, info: TopicInfo): Promise<LogCopy[]> {
  const { disk, from, to, earlier, onBytes = () => {} } = task;
  const copies: LogCopy[] = [];
  try {
    for (const name of partitionFolders(info)) {
      copies.push(
        await copyLog({
          disk,
          from: join(from, name),
          to: join(to, name),
          earlier: earlier === undefined ? undefined : join(earlier, name),
          onBytes,
        }),
      );
    }
  } catch (error) {
    if (listedIds(task).has(info.id)) throw error;
  }
  return copies;
}

/** The topics that the store has now. */
function listedIds({ disk, from }: StoreCopyTask): Set<string> {
  return new Set(existingCatalogue(disk, from).topics.map(({ id }) => id));
}

function total(copies: readonly LogCopy[]): LogCopy {
  return {
    copiedBytes: copies.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
    linkedBytes: copies.reduce((sum, { linkedBytes }) => sum + linkedBytes, 0),
    problems: copies.flatMap(({ problems }) => problems),
  };
}
