/**
 * Looks at whom the store in a folder follows, and how far behind it is.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../../core/backend.ts";
import { isNotFound, messageOf } from "../../core/base/errors.ts";
import { CATALOGUE_FILE } from "../../core/format/file_names.ts";
import { Store } from "../../core/store/store.ts";
import { openSource } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";
import { countOf } from "../units.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** Nothing is said of a store that follows nobody. */
export async function checkReplica(context: Context, folder: string): Promise<Finding[]> {
  if (!existsSync(join(folder, CATALOGUE_FILE))) return [];
  try {
    await using store = await Store.open(folder, { readOnly: true });
    const { follows } = store;
    if (follows === undefined) return [];
    const says = `follows ${follows.source}, epoch ${follows.epoch}`;
    return [await distance({ ...context, at: follows.source }, store, says)];
  } catch (error) {
    return [fail("replica", messageOf(error), "the store cannot be read: try seglog verify")];
  }
}

async function distance(context: Context, store: Store, says: string): Promise<Finding> {
  try {
    await using source = await openSource(context, true);
    const behind = await recordsBehind(source, store);
    return ok("replica", `${says}: ${countOf(behind, "record")} behind`);
  } catch (error) {
    return warn(
      "replica",
      `${says}; it does not answer: ${messageOf(error)}`,
      "start it, or make this one writable: seglog promote",
    );
  }
}

async function recordsBehind(source: Backend, store: Store): Promise<number> {
  let behind = 0;
  for (const { name } of await source.listTopics()) {
    const ends = await nextOffsets(store, name);
    for (const [partition, end] of (await nextOffsets(source, name)).entries()) {
      behind += Math.max(0, end - (ends[partition] ?? 0));
    }
  }
  return behind;
}

/** Where the partitions of a topic end; none of one that is not there. */
async function nextOffsets(backend: Backend, topic: string): Promise<number[]> {
  try {
    return (await backend.describeTopic(topic)).partitions.map(({ nextOffset }) => nextOffset);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
