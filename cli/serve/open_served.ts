/**
 * Opens what a server serves.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { isNotFound, messageOf, SeglogError } from "../../core/base/errors.ts";
import type { Followed } from "../../core/store/catalogue.ts";
import type { Store } from "../../core/store/store.ts";
import { type HeldSettings, valuesIn } from "../config/held_settings.ts";
import { type ServedPlace, servedPlace } from "../config/served_place.ts";
import { SERVER_SETTINGS } from "../config/server_settings.ts";
import { TOPIC_SETTINGS } from "../config/topic_settings.ts";
import { openCluster, openFolder, openUrl, placeOf } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";
import { sourceName } from "../source_name.ts";

/** Takes what the server's log should say. */
export type OnNotice = (notice: string, level?: "info" | "warn") => void;

/** One that only reads does so beside the one that owns the folder, and takes no lock. */
export async function openServed(
  context: Context,
  held: HeldSettings,
  onNotice: OnNotice,
): Promise<Backend> {
  const { role, autoCreate, compactionBytesPerSecond } = valuesIn(SERVER_SETTINGS, held);
  const { folder, source } = servedPlace(held);
  if (source !== undefined) return await openNode(context, { folder, source, held }, onNotice);
  const place = { at: folder, output: context.output };
  if (role === "query") return await openBesideOwner(place, onNotice);
  return await openFolder(place, {
    create: true,
    autoCreateTopics: autoCreate,
    defaults: valuesIn(TOPIC_SETTINGS, held),
    compactionBytesPerSecond,
    onNotice,
  });
}

/** A copy of what is at the source, which is written to. */
async function openNode(
  context: Context,
  { folder, source: at, held }: Required<ServedPlace> & {
    readonly source: string;
    readonly held: HeldSettings;
  },
  onNotice: OnNotice,
): Promise<Backend> {
  const { NodeBackend } = await import("../../replica/node_backend.ts");
  const { compactionBytesPerSecond, nodeWaitMs, nodeRenamed } = valuesIn(SERVER_SETTINGS, held);
  const name = sourceName(at);
  const copy = await followedIn(folder);
  const known = copy?.source === name ? copy : undefined;
  const options = { onNotice, mayBeAway: known !== undefined };
  const source = placeOf(at) === "a cluster"
    ? await openCluster({ ...context, at }, options)
    : await openUrl({ ...context, at }, {
      ...options,
      ...known === undefined ? {} : { epoch: known.epoch },
      headers: { "seglog-replica": "node" },
    });
  if (source.isAway) onNotice(`${name} does not answer; ${untilItDoes(known)}`);
  const { epoch }: Backend = source;
  const follows = {
    source: name,
    isOther: nodeRenamed,
    ...epoch === undefined ? {} : { epoch },
  };
  try {
    const local = await openCopy({ at: folder, output: context.output }, {
      follows,
      compactionBytesPerSecond,
      onNotice,
    });
    return new NodeBackend(source, local, { name, waitMs: nodeWaitMs, onNotice });
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** What is served while the source is away: a copy that may lack tokens lets nobody in. */
function untilItDoes(copy: Followed | undefined): string {
  return copy?.wasWhole === true
    ? "serving the copy as it is until it does"
    : "callers are refused until it does, as the copy may lack what it has";
}

/** Whom the store in a folder follows, if there is one that does. */
async function followedIn(folder: string): Promise<Followed | undefined> {
  const { Store } = await import("../../core/store/store.ts");
  try {
    await using store = await Store.open(folder, { readOnly: true });
    return store.follows;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function openCopy(
  place: Pick<Context, "at" | "output">,
  options: Parameters<typeof openFolder>[1],
): Promise<Store> {
  try {
    return await openFolder(place, options);
  } catch (error) {
    const isOther = error instanceof SeglogError && error.code === "condition-failed" &&
      typeof error.details.expected === "string";
    if (!isOther) throw error;
    const { code, message, details } = error;
    throw new SeglogError(code, `${message}; to say so, give --node-renamed`, {
      details,
      cause: error,
    });
  }
}

async function openBesideOwner(
  place: Pick<Context, "at" | "output">,
  onNotice: OnNotice,
): Promise<Backend> {
  try {
    return await openFolder(place, { readOnly: true, onNotice });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SeglogError(
      "not-found",
      `${
        messageOf(error)
      }; a server with the role query reads what one with the role ingest keeps: start that first`,
      { cause: error },
    );
  }
}
