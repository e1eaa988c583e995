/**
 * The text of a query, looked at before SQLite does: one statement, and one that reads. What it may
 * touch is held by the connection that it runs in, whatever the text says.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { QUERY_TEXT_MAX } from "./limits.ts";

/** What a statement that reads begins with. */
const READING: ReadonlySet<string> = new Set(["select", "with", "values"]);

/**
 * The one statement of a text, without what ends it, and without comments around it.
 *
 * @throws {SeglogError} `invalid-argument` for none, for several, or for one that does not read
 */
export function oneStatement(sql: string): string {
  if (sql.length > QUERY_TEXT_MAX) throw refused(`its text is longer than ${QUERY_TEXT_MAX}`);
  if (sql.includes("\0")) throw refused("its text has a NUL character");
  if (!sql.isWellFormed()) throw refused("its text is not valid Unicode");
  const { end, hasMore, start } = scan(sql);
  if (hasMore) throw refused("there are several statements; send them one by one");
  const statement = sql.slice(start, end);
  const word = /^\w+/.exec(statement)?.[0].toLowerCase();
  if (word !== undefined && READING.has(word)) return statement;
  if (statement === "") {
    throw refused('there is no statement; give one such as select * from "orders"');
  }
  if (word === "explain") {
    throw refused('explain is an option beside the statement: --explain, or {"explain":true}');
  }
  throw refused(
    `it begins with ${
      JSON.stringify(word ?? statement.slice(0, 10))
    }, and a query only reads: begin with select, with or values`,
  );
}

/** Where the first word is, where the last one of the first statement ends, and whether another follows. */
function scan(sql: string): { start: number; end: number; hasMore: boolean } {
  let start = -1;
  let end = 0;
  let isEnded = false;
  for (let at = 0; at < sql.length;) {
    const skipped = skipBlank(sql, at);
    if (skipped > at) {
      at = skipped;
    } else if (sql[at] === ";") {
      isEnded = start >= 0;
      at++;
    } else {
      if (isEnded) return { start, end, hasMore: true };
      if (start < 0) start = at;
      end = at = skipToken(sql, at);
    }
  }
  return { start: start < 0 ? end : start, end, hasMore: false };
}

/** Past white space, a comment, or what is in quotes; where it is for anything else. */
export function pastBlankOrQuoted(sql: string, from: number): number {
  const past = skipBlank(sql, from);
  if (past > from) return past;
  const end = skipToken(sql, from);
  return /["'`[]/.test(sql[from]!) ? end : from;
}

/** Past white space and comments. */
function skipBlank(sql: string, from: number): number {
  let at = from;
  while (at < sql.length && /\s/.test(sql[at]!)) at++;
  if (sql.startsWith("--", at)) {
    const line = sql.indexOf("\n", at);
    return line < 0 ? sql.length : line + 1;
  }
  if (sql.startsWith("/*", at)) {
    const close = sql.indexOf("*/", at + 2);
    return close < 0 ? sql.length : close + 2;
  }
  return at;
}

/** Past text or a name in quotes, or a single character. */
function skipToken(sql: string, from: number): number {
  const open = sql[from]!;
  const close = open === "[" ? "]" : `'"\``.includes(open) ? open : undefined;
  if (close === undefined) return from + 1;
  const end = sql.indexOf(close, from + 1); // a doubled quote begins the next piece of the same text
  return end < 0 ? sql.length : end + 1;
}

function refused(why: string): SeglogError {
  return new SeglogError("invalid-argument", `Cannot run the query: ${why}`);
}
