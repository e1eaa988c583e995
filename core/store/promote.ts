/**
 * Makes a replica a store of its own.
 *
 * @module
 */
import { resolve } from "node:path";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { nodeDisk } from "../disk/node_disk.ts";
import { lockFolder } from "../log/open_log.ts";
import { epochOf, writeCatalogue } from "./catalogue.ts";
import { existingCatalogue } from "./topic_registry.ts";

/** How a replica is promoted. */
export interface PromoteOptions {
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
}

/**
 * Makes a replica a store that can be written to. It follows nobody any more, and begins a leadership
 * of its own: its epoch is higher than that of its source, so that whoever follows it refuses what
 * the source still takes in. Nothing is copied, and nothing that the source has and the replica has
 * not yet is fetched. It is durable when the promise resolves.
 *
 * @param folder of a replica that nobody has open for following
 * @returns the new epoch
 * @throws {SeglogError} `not-found` when no store is there; `condition-failed` when it is no replica;
 * `locked` while another process follows in it; `corrupt`
 *
 * @example
 * ```ts
 * import { MemoryDisk, promote, Store } from "seglog";
 *
 * const disk = new MemoryDisk(); // leave it out for the file system
 * const follows = { source: "http://leader:8080", epoch: 1 };
 * await (await Store.open("/replica", { disk, follows })).close();
 *
 * console.assert(await promote("/replica", { disk }) === 2);
 * await using store = await Store.open("/replica", { disk });
 * await store.append("orders", [{ value: "hello" }]);
 * ```
 */
export async function promote(folder: string, options: PromoteOptions = {}): Promise<number> {
  const { disk = nodeDisk } = options;
  const path = resolve(folder);
  existingCatalogue(disk, path); // before a lock is left in a folder that is not ours
  const lock = lockFolder(
    disk,
    path,
    (holder) => `Cannot promote ${path}: the process with ${holder} follows in it; stop it first`,
  );
  try {
    const { follows, ...catalogue } = existingCatalogue(disk, path);
    if (follows === undefined) {
      throw new SeglogError(
        "condition-failed",
        `Cannot promote ${path}: it follows nobody, and can be written to already`,
      );
    }
    const epoch = epochOf({ ...catalogue, follows }) + 1;
    await writeCatalogue(disk, path, { ...catalogue, epoch }, { lock });
    return epoch;
  } finally {
    lock.release();
  }
}
