/**
 * `promote`: a replica becomes a store of its own.
 *
 * @module
 */
import { promote as promoteStore } from "../../core/store/promote.ts";
import { Store } from "../../core/store/store.ts";
import { isClusterUrl } from "../../jetstream/cluster_url.ts";
import { isUrl } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { PromoteVerbOptions } from "../grammar/replica.ts";
import type { Context } from "../grammar/verb.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** What to do with a leader, and with a cluster, that was followed. */
const LEADER = "stop it; to go on with its folder as a replica: " +
  "seglog follow URL --data OLD_DIR --discard-diverged";
const CLUSTER = "no writer and no other node may go on with it; a node needs another folder now";

/** Prints the new epoch, and says what to do with the leader that was followed. */
export async function promote(context: Context, options: PromoteVerbOptions): Promise<number> {
  const { output } = context;
  const { folder, shaped } = options;
  if (isUrl(folder)) {
    throw new UsageError(`promote works on a folder, and ${folder} is a server: run it there`);
  }
  const followed = await followedBy(folder);
  const epoch = await promoteStore(folder);
  if (shaped) {
    await output.line(JSON.stringify({ version: JSON_VERSION, folder, epoch, followed }));
    return EXIT_OK;
  }
  await output.line(String(epoch));
  output.note(
    `seglog: ${folder} can be written to, with epoch ${epoch}. What ${followed} still takes in is ` +
      `not here: ${followed !== undefined && isClusterUrl(followed) ? CLUSTER : LEADER}`,
  );
  return EXIT_OK;
}

async function followedBy(folder: string): Promise<string | undefined> {
  await using store = await Store.open(folder, { readOnly: true });
  return store.follows?.source;
}
