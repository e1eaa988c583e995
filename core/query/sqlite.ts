/**
 * SQLite as the runtime brings it: `node:sqlite`, which Deno, Bun and Node have. It is loaded when it
 * is first needed: most commands never are.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf, SeglogError } from "../base/errors.ts";

/** The module `node:sqlite`. */
export type Sqlite = typeof import("node:sqlite");

/** Loads SQLite. @throws {SeglogError} `unsupported` where the runtime has none */
export async function loadSqlite(): Promise<Sqlite> {
  try {
    return await import("node:sqlite");
  } catch (cause) {
    throw new SeglogError(
      "unsupported",
      `Cannot query: this runtime has no node:sqlite (${messageOf(cause)}); ` +
        "run seglog on Deno, Bun 1.4 or Node 24, or newer ones",
      { cause },
    );
  }
}

/** SQLite's own result codes, as far as they are told apart. */
export const SQLITE = {
  error: 1,
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  denied: 23,
  notADatabase: 26,
} as const;

/** What SQLite says, by its result codes: Deno leaves some of them out. */
const TEXTS: readonly (readonly [start: string, code: number])[] = [
  ["database is locked", SQLITE.busy],
  ["database table is locked", SQLITE.locked],
  ["out of memory", SQLITE.noMemory],
  ["attempt to write a readonly database", SQLITE.readOnly],
  ["disk I/O error", SQLITE.ioError],
  ["database disk image is malformed", SQLITE.corrupt],
  ["database or disk is full", SQLITE.full],
  ["unable to open database", SQLITE.cannotOpen],
  ["string or blob too big", SQLITE.tooBig],
  ["not authorized", SQLITE.denied],
  ["file is not a database", SQLITE.notADatabase],
];

/** The primary result code of an error; `undefined` where it is not SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  if (typeof errcode === "number") return errcode & 0xff;
  const known = TEXTS.find(([start]) => error.message.startsWith(start))?.[1];
  return known ?? (code === "ERR_SQLITE_ERROR" ? SQLITE.error : undefined);
}

/** Whether an error says that a file is damaged, or no database at all. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

/** Whether another process holds what is needed: it is worth trying again. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.busy || code === SQLITE.locked;
}

/** Whether a file cannot be written where it is. */
export function isRefusedPlace(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.cannotOpen || code === SQLITE.readOnly;
}

/** Whether SQLite was to look into a value that is not JSON. */
export function isNoJson(error: unknown): boolean {
  return sqliteCode(error) === SQLITE.error && /malformed JSON/i.test(messageOf(error));
}

/** What a failed write to a view is told as. */
export function viewError(topic: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined || error instanceof SeglogError) return error;
  return new SeglogError(
    code === SQLITE.full ? "disk-full" : "io",
    `Cannot write the view of "${topic}": ${messageOf(error)}; the topic itself is not touched`,
    { cause: error },
  );
}

/** A name as SQL writes it, whatever characters it has. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Text as SQL writes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Runs `work` in a transaction that writes: all of it, or nothing. */
export function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec("begin immediate");
  try {
    const result = work();
    db.exec("commit");
    return result;
  } catch (error) {
    try {
      db.exec("rollback");
    } catch {
      // SQLite has rolled back by itself: a full disk, say.
    }
    throw error;
  }
}
