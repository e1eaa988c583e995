/**
 * Opens what a server serves.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { isNotFound, messageOf, SeglogError } from "../../core/base/errors.ts";
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
  const isCluster = placeOf(at) === "a cluster";
  const source = isCluster
    ? await openCluster({ ...context, at }, { onNotice })
    : await openUrl({ ...context, at }, { headers: { "seglog-replica": "node" }, onNotice });
  const name = sourceName(at);
  const { epoch } = source;
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
    const options = { name, waitMs: nodeWaitMs, onNotice };
    return new NodeBackend(source, local, options);
  } catch (error) {
    await source.close();
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
