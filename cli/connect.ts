/**
 * From `--at` to a backend: a folder or a server, the same to every verb.
 *
 * @module
 */
import { existsSync } from "node:fs";
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Context } from "./grammar/verb.ts";

/** Whether `at` is a server and not a folder. */
export function isUrl(at: string): boolean {
  return /^https?:\/\//i.test(at);
}

/** Opens what `--at` names for reading; on a folder that takes no lock and writes nothing. */
export async function openToRead(context: Context): Promise<Backend> {
  if (isUrl(context.at)) return await openUrl(context.at);
  if (!existsSync(context.at)) {
    throw new SeglogError(
      "not-found",
      `Cannot read ${context.at}: there is no such folder; ` +
        "append makes it, --at or SEGLOG_AT name another",
    );
  }
  return await openFolder(context, true);
}

/** Opens what `--at` names for writing, making the folder when needed. */
export async function openToWrite(context: Context): Promise<Backend> {
  if (isUrl(context.at)) return await openUrl(context.at);
  return await openFolder(context, false);
}

async function openFolder(context: Context, readOnly: boolean): Promise<Backend> {
  const { Store } = await import("../core/store/store.ts");
  const onNotice = (notice: string) => context.output.note(`seglog: ${notice}`);
  return await Store.open(context.at, { readOnly, onNotice });
}

async function openUrl(url: string): Promise<Backend> {
  const { connect } = await import("../client/connect.ts");
  return await connect(url);
}

/** Refuses a path that is not there. @throws {SeglogError} `not-found` */
export function checkExists(path: string): void {
  if (existsSync(path)) return;
  throw new SeglogError("not-found", `Cannot read ${path}: there is no such file or folder`);
}
