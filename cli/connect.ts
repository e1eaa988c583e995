/**
 * From `--at` to a backend: a folder, a server or a cluster, the same to every verb.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { ConnectOptions } from "../client/connect.ts";
import type { HttpBackend } from "../client/http_backend.ts";
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { StoreOptions } from "../core/store/options.ts";
import type { Store } from "../core/store/store.ts";
import { isClusterUrl } from "../jetstream/cluster_url.ts";
import type { JetStreamBackend } from "../jetstream/jetstream_backend.ts";
import { UsageError } from "./exit.ts";
import type { Context } from "./grammar/verb.ts";
import type { Output } from "./output.ts";

/** Tries after the first: someone is waiting, and a server that is down is told of soon. */
const RETRIES = 2;
/** How long a request to a cluster is tried: an election takes seconds. */
const CLUSTER_WAIT_MS = 10_000;

/** What is at the other end: `a server` and `a cluster` are reached by a URL. */
export type Place = "a folder" | "a server" | "a cluster";

/** What `at` is. @throws {UsageError} when it is none of them, surely */
export function placeOf(at: string): Place {
  if (isClusterUrl(at)) return "a cluster";
  return isUrl(at) ? "a server" : "a folder";
}

/** Whether `at` is no folder. @throws {UsageError} when it is nothing else, too */
export function isUrl(at: string): boolean {
  if (/^https?:\/\//i.test(at) || isClusterUrl(at)) return true;
  const isHostPort = /^[^/\\]+:\d+\/?$/.test(at);
  if (!isHostPort && !/^[a-z][a-z\d+.-]*:\/\//i.test(at)) return false;
  const hint = isHostPort ? `http://${at}` : "http://127.0.0.1:8080";
  throw new UsageError(`${at} is no folder and no URL of a server, such as ${hint}`);
}

/** Opens what `--at` names for reading; on a folder that takes no lock and writes nothing. */
export async function openToRead(context: Context): Promise<Backend> {
  const place = placeOf(context.at);
  if (place === "a server") return await openUrl(context);
  if (place === "a cluster") return await openCluster(context);
  checkFolder(context.at);
  return await openFolder(context, { readOnly: true });
}

/** Opens what `--at` names for writing, making the folder when needed. */
export async function openToWrite(context: Context): Promise<Backend> {
  if (placeOf(context.at) === "a server") return await openUrl(context);
  return await checkedBySchemas(context, await openStore(context));
}

/** Opens what `--at` names for changing what is there. */
export async function openToChange(context: Context): Promise<Backend> {
  const place = placeOf(context.at);
  if (place === "a server") return await openUrl(context);
  if (place === "a cluster") return await checkedBySchemas(context, await openCluster(context));
  checkFolder(context.at);
  return await checkedBySchemas(context, await openFolder(context, { create: false }));
}

/**
 * Opens a folder or a cluster for what is built upon it and checks records itself, making the folder
 * when needed.
 */
export async function openStore(context: Context): Promise<Backend> {
  if (placeOf(context.at) === "a cluster") return await openCluster(context);
  return await openFolder(context, { create: true });
}

/** On a server they are checked there. */
async function checkedBySchemas({ output }: Context, store: Backend): Promise<Backend> {
  const { openChecked } = await import("./schema_check.ts");
  return await openChecked(store, notice(output));
}

/** Opens what is to be copied: a folder beside its owner, or a server with all that it has. */
export async function openSource(context: Context, asReplica: boolean): Promise<Backend> {
  const isServer = placeOf(context.at) === "a server";
  return isServer ? await openUrl(context, { asReplica }) : await openToRead(context);
}

function checkFolder(at: string): void {
  if (existsSync(at)) return;
  throw new SeglogError(
    "not-found",
    `Cannot open ${at}: there is no such folder; append and kv set make it, --at or SEGLOG_AT name another`,
  );
}

/** Opens the store in a folder. */
export async function openFolder(
  { at, output }: Pick<Context, "at" | "output">,
  options: StoreOptions,
): Promise<Store> {
  const { Store } = await import("../core/store/store.ts");
  return await Store.open(at, { onNotice: notice(output), ...options });
}

/**
 * Connects to the cluster that `--at` names.
 *
 * @param options with who takes what is to be noted, standard error unless given, and whether no server
 * has to answer yet
 */
export async function openCluster(
  context: Context,
  options: Pick<ConnectOptions, "onNotice" | "mayBeAway"> = {},
): Promise<HttpBackend | JetStreamBackend> {
  const { connect } = await import("../client/connect.ts");
  const { shownToCluster } = await import("./server_access.ts");
  const { at, output } = context;
  const given = { timeoutMs: CLUSTER_WAIT_MS, onNotice: notice(output) };
  return await connect(at, { ...given, ...shownToCluster(context), ...options });
}

/**
 * Connects to the server that `--at` names, for what only a server has.
 *
 * @param options with whether to read all that it has, as a replica does, who takes what is to be noted,
 * standard error unless given, whether it has to answer yet, and which epoch is known
 */
export async function openUrl(
  context: Context,
  options: Pick<
    ConnectOptions,
    "asReplica" | "headers" | "onNotice" | "mayBeAway" | "epoch"
  > = {},
): Promise<HttpBackend> {
  const { at, output } = context;
  if (isClusterUrl(at)) {
    throw new UsageError(
      "this is for a seglog server, and --at names a cluster: give the URL of a server, " +
        "such as --at http://127.0.0.1:8080",
    );
  }
  const { connectHttp } = await import("../client/connect_http.ts");
  const { shownToServer } = await import("./server_access.ts");
  const shown = shownToServer(context);
  try {
    const given = { retries: RETRIES, onNotice: notice(output), ...shown, ...options };
    return await connectHttp(at, given);
  } catch (error) {
    throw withRemedy(error);
  }
}

/** An error of who is not let in, with what helps on the command line. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof SeglogError) || error.code !== "unauthenticated") return error;
  const { code, message, details } = error;
  if (details.unproven === "server") return error;
  const remedy = "seglog takes a token by --token-file FILE or SEGLOG_TOKEN";
  return new SeglogError(code, `${message}; ${remedy}`, { details, cause: error });
}

/** Takes what is to be noted on standard error. */
export function notice(output: Output): (text: string) => void {
  return (text) => output.note(`seglog: ${text}`);
}

/** Refuses a path that is not there. @throws {SeglogError} `not-found` */
export function checkExists(path: string): void {
  if (existsSync(path)) return;
  throw new SeglogError("not-found", `Cannot read ${path}: there is no such file or folder`);
}
