/**
 * Snapshots of any backend: of a cluster, of a server.
 *
 * @module
 */
import type { Backend, TopicInfo } from "../core/backend.ts";
import { isNotFound } from "../core/base/errors.ts";
import { nodeDisk } from "../core/disk/node_disk.ts";
import { isServerState } from "../core/format/file_names.ts";
import { StagedCopy } from "../core/store/staged_copy.ts";
import {
  type BackupOptions,
  type BackupReport,
  takeSnapshot,
} from "../core/store/take_snapshot.ts";
import { copyTopics, detailsOf } from "./copy_topics.ts";
import { isDiverged } from "./diverged.ts";
import { checkSameHistory } from "./same_history.ts";

/**
 * Takes a snapshot of a backend, as `backup` does of a folder: a store by itself, in a folder of
 * snapshots. It begins with what the snapshot before has, whose sealed segments are linked, and only
 * what came since is fetched. Where the source turns out to have another history by now, its topic is
 * fetched anew.
 *
 * All topics that the source shows are in it, those that a server keeps for itself included when
 * `connect` was told `asReplica`. Of each partition it has the log up to where that ended at one moment
 * near the beginning, and at the least all that was acknowledged before the call. The ends are looked
 * at one after another, those of a server's own topics first: no committed offset is past the end of
 * what it is of. Where the source compacts meanwhile, which a cluster does not, a partition goes on as
 * far as compaction has been.
 *
 * It is durable when the promise resolves, and a crash before leaves no new snapshot. Damage in the
 * source ends it.
 *
 * @param source any backend
 * @param target the folder for snapshots, made when needed
 * @throws {SeglogError} as `backup`; `corrupt` for what the source cannot read, with its offsets;
 * `condition-failed` when records were taken from an end of the source meanwhile; `unavailable`
 *
 * @example
 * ```ts
 * import { backupBackend, MemoryDisk, restore, Store } from "seglog";
 *
 * const disk = new MemoryDisk(); // leave it out for the file system
 * await using source = await Store.memory(); // or connect("nats://127.0.0.1:4222")
 * await source.append("orders", [{ value: "hello" }]);
 *
 * const { snapshot } = await backupBackend(source, "/backups", { disk });
 * console.assert(snapshot.records === 1);
 * await restore("/backups", "/restored", { disk });
 * ```
 */
export async function backupBackend(
  source: Backend,
  target: string,
  options: BackupOptions = {},
): Promise<BackupReport> {
  const { disk = nodeDisk, clock, onProgress } = options;
  return await takeSnapshot(target, options, async (place) => {
    const topics = await source.listTopics();
    const { epoch } = source; // known once something was asked
    await using copy = await StagedCopy.begin({ ...place, disk, clock, epoch });
    let { copiedBytes } = copy.begun;
    await copyInto(source, copy, {
      topics,
      onBytes: (bytes) => onProgress?.(copiedBytes += bytes),
    });
    const linkedBytes = await copy.finish();
    return { copiedBytes, linkedBytes, problems: [] };
  });
}

async function copyInto(
  source: Backend,
  { store }: StagedCopy,
  { topics, onBytes }: {
    readonly topics: readonly TopicInfo[];
    readonly onBytes: (bytes: number) => void;
  },
): Promise<void> {
  const target = store.mirrorTarget!;
  await dropOthers(store, topics);
  const rank = ({ name }: TopicInfo) => isServerState(name) ? 0 : 1;
  const found = await detailsOf(source, topics.toSorted((a, b) => rank(a) - rank(b)));
  for (const { name, id, config } of found) {
    await target.adopt({ name, id, config });
    if (await isSameSoFar(source, store, { name, id, config })) continue;
    await target.drop(name);
    await target.adopt({ name, id, config });
  }
  const onTaken = ({ bytes }: { readonly bytes: number }) => onBytes(bytes);
  await copyTopics({ source, topics: found, copy: store, target, onTaken });
  await dropOthers(store, await source.listTopics());
}

/** Removes topics that are not among these, or have other partitions. */
async function dropOthers(
  store: StagedCopy["store"],
  topics: readonly TopicInfo[],
): Promise<void> {
  const partitions = new Map(topics.map(({ id, config }) => [id, config.partitions]));
  for (const { name, id, config } of await store.listTopics()) {
    if (partitions.get(id) !== config.partitions) await store.mirrorTarget!.drop(name);
  }
}

/** Whether what the snapshot before has can be gone on with. */
async function isSameSoFar(source: Backend, copy: Backend, info: TopicInfo): Promise<boolean> {
  try {
    for (let partition = 0; partition < info.config.partitions; partition++) {
      await checkSameHistory({ source, copy, topic: info.name, partition });
    }
    return true;
  } catch (error) {
    if (isDiverged(error)) return false;
    if (isNotFound(error)) return true; // it was deleted meanwhile, and goes at the end
    throw error;
  }
}
