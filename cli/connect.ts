/**
 * From `--at` to a backend: a folder or a server, the same to every verb.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { ConnectOptions } from "../client/connect.ts";
import type { HttpBackend } from "../client/http_backend.ts";
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { StoreOptions } from "../core/store/options.ts";
import { UsageError } from "./exit.ts";
import type { Context } from "./grammar/verb.ts";
import type { Output } from "./output.ts";

/** Tries after the first: someone is waiting, and a server that is down is told of soon. */
const RETRIES = 2;

/** Whether `at` is a server and not a folder. @throws {UsageError} when it is neither, surely */
export function isUrl(at: string): boolean {
  if (/^https?:\/\//i.test(at)) return true;
  const isHostPort = /^[^/\\]+:\d+\/?$/.test(at);
  if (!isHostPort && !/^[a-z][a-z\d+.-]*:\/\//i.test(at)) return false;
  const hint = isHostPort ? `http://${at}` : "http://127.0.0.1:8080";
  throw new UsageError(`${at} is no folder and no URL of a server, such as ${hint}`);
}

/** Opens what `--at` names for reading; on a folder that takes no lock and writes nothing. */
export async function openToRead(context: Context): Promise<Backend> {
  if (isUrl(context.at)) return await openUrl(context);
  checkFolder(context.at);
  return await openFolder(context, { readOnly: true });
}

/** Opens what `--at` names for writing, making the folder when needed. */
export async function openToWrite(context: Context): Promise<Backend> {
  if (isUrl(context.at)) return await openUrl(context);
  return await checkedBySchemas(context, await openStore(context));
}

/** Opens what `--at` names for changing what is there. */
export async function openToChange(context: Context): Promise<Backend> {
  if (isUrl(context.at)) return await openUrl(context);
  checkFolder(context.at);
  return await checkedBySchemas(context, await openFolder(context, { create: false }));
}

/** Opens a folder for what is built upon it and checks records itself, making it when needed. */
export async function openStore(context: Context): Promise<Backend> {
  return await openFolder(context, { create: true });
}

/** On a server they are checked there. */
async function checkedBySchemas({ output }: Context, store: Backend): Promise<Backend> {
  const { openChecked } = await import("./schema_check.ts");
  return await openChecked(store, notice(output));
}

/** Opens what is to be copied: a folder beside its owner, or a server with all that it has. */
export async function openSource(context: Context, asReplica: boolean): Promise<Backend> {
  return isUrl(context.at) ? await openUrl(context, { asReplica }) : await openToRead(context);
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
): Promise<Backend> {
  const { Store } = await import("../core/store/store.ts");
  return await Store.open(at, { onNotice: notice(output), ...options });
}

/**
 * Connects to the server that `--at` names, for what only a server has.
 *
 * @param options with whether to read all that it has, as a replica does
 */
export async function openUrl(
  context: Context,
  options: Pick<ConnectOptions, "asReplica"> = {},
): Promise<HttpBackend> {
  const { at, output } = context;
  const { connect } = await import("../client/connect.ts");
  const { shownToServer } = await import("./server_access.ts");
  const shown = shownToServer(context);
  try {
    return await connect(at, { retries: RETRIES, onNotice: notice(output), ...shown, ...options });
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
