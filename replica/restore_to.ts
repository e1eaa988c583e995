/**
 * Puts a snapshot into a backend that takes in what others have: a cluster.
 *
 * @module
 */
import { resolve } from "node:path";
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Disk } from "../core/disk/disk.ts";
import { nodeDisk } from "../core/disk/node_disk.ts";
import { findSnapshot } from "../core/store/snapshots.ts";
import { Store } from "../core/store/store.ts";
import { mirror, mirrorTargetOf } from "./mirror.ts";
import { type MirrorVerification, verifyMirror } from "./verify_mirror.ts";

/** How a snapshot is put into a backend. */
export interface RestoreToOptions {
  /** The name of the snapshot, when `snapshot` is a folder of several; the newest unless given. */
  readonly snapshot?: string;
  /** The file system that has it; the machine's unless given. */
  readonly disk?: Disk;
  /** Is told again and again how many bytes have been copied. */
  readonly onProgress?: (copiedBytes: number) => void;
}

/** What a restore into a backend did. */
export interface RestoreToReport {
  /** Whether every record is what it is in the snapshot. */
  readonly ok: boolean;
  /** The folder that was restored from. */
  readonly source: string;
  /** Topics that are in the snapshot. */
  readonly topics: number;
  /** Records that were copied; those that were there already are not among them. */
  readonly copiedRecords: number;
  /** Bytes of batches that were copied. */
  readonly copiedBytes: number;
  /** What comparing all of it found. */
  readonly verification: MirrorVerification;
}

/**
 * Puts a snapshot into an empty backend, and compares every record. Topics keep their ids and settings,
 * records their offsets, times and producers; what a server keeps for itself, such as the committed
 * offsets of groups, is among them. Offsets go on where the snapshot ends.
 *
 * One that was cut short is gone on with by the same call: what is there is not copied again. Nobody
 * should write there before it is done.
 *
 * @param source a snapshot's folder, or the folder of several; any store that nobody writes to
 * @param target one that has a `mirrorTarget`: a cluster, or an open store
 * @throws {SeglogError} `exists` when the target has topics that the snapshot does not have;
 * `condition-failed`, with `diverged` in its details, when it has other records; `not-found` when no
 * snapshot is there; `unsupported` when the target takes nothing in; `corrupt` for what is damaged in
 * the snapshot, with its offsets
 *
 * @example
 * ```ts
 * import { backup, MemoryDisk, restoreTo, Store } from "seglog";
 *
 * const disk = new MemoryDisk(); // leave it out for the file system
 * await using store = await Store.open("/data", { disk });
 * await store.append("orders", [{ value: "a" }]);
 * await backup("/data", "/backups", { disk });
 *
 * await using target = await Store.memory(); // or connect("nats://127.0.0.1:4222/?replicas=3")
 * const { ok } = await restoreTo("/backups", target, { disk });
 * console.assert(ok && (await target.append("orders", [{ value: "b" }])).start === 1);
 * ```
 */
export async function restoreTo(
  source: string,
  target: Backend,
  options: RestoreToOptions = {},
): Promise<RestoreToReport> {
  const { disk = nodeDisk, onProgress } = options;
  mirrorTargetOf(target); // refuses what takes nothing in
  const from = findSnapshot(disk, resolve(source), options.snapshot);
  await using snapshot = await Store.open(from, { disk, readOnly: true });
  await checkHasNoOthers(snapshot, target, from);
  const { topics, records, bytes } = await mirror(snapshot, target, {
    onProgress: (progress) => onProgress?.(progress.bytes),
  });
  const verification = await verifyMirror(snapshot, target);
  const copied = { topics, copiedRecords: records, copiedBytes: bytes };
  return { ok: verification.ok, source: from, ...copied, verification };
}

/** What is there already can only be what a restore of the same snapshot has left. */
async function checkHasNoOthers(snapshot: Backend, target: Backend, from: string): Promise<void> {
  const ids = new Set((await snapshot.listTopics()).map(({ id }) => id));
  const others = (await target.listTopics()).filter(({ id }) => !ids.has(id));
  if (others.length === 0) return;
  throw new SeglogError(
    "exists",
    `Cannot restore ${from} there: topic "${others[0]!.name}"` +
      `${others.length === 1 ? "" : ` and ${others.length - 1} more`} of another origin ` +
      `${others.length === 1 ? "is" : "are"} there, and nothing is overwritten. Delete what is ` +
      "there, or name an empty place, such as another prefix",
  );
}
