/**
 * What a query answers, as JSON: all of it, or a row a line.
 *
 * @module
 */
import { ByteWriter, decodeUtf8 } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { arrayElements } from "../../core/format/json_slices.ts";
import type { QueryAnswer } from "./queries.ts";

const COMMA = ",".charCodeAt(0);
const CHUNK_BYTES = 64 * 1024;

/**
 * `{"columns":[…],"rows":[[…]],"truncated":false,"tookMs":3.1,"offsets":{"orders":{"0":42}}}`, with
 * integers as they are: of 64 bits, which not every reader of JSON keeps exact.
 */
export async function wholeJson(
  { columns, rows }: QueryAnswer,
  startMs: number,
): Promise<Uint8Array> {
  const writer = new ByteWriter(CHUNK_BYTES);
  writer.text(`{"columns":${JSON.stringify(columns)},"rows":[`);
  for (let count = 0;; count++) {
    const { done, value } = await rows.next();
    if (done) {
      const { isTruncated, offsets } = value;
      const tookMs = Math.round(10 * (performance.now() - startMs)) / 10;
      const rest = JSON.stringify({ truncated: isTruncated, tookMs, offsets });
      writer.text(`],${rest.slice(1)}`);
      return writer.take();
    }
    if (count > 0) writer.byte(COMMA);
    writer.bytes(value);
  }
}

/**
 * A row a line, as an object. A column that has the name of one before it gets its number as well.
 *
 * @param isWhole whether more rows than are given is an error: nobody asked for fewer
 * @throws {SeglogError} `too-large`
 */
export async function* jsonLines(
  { columns, rows }: QueryAnswer,
  isWhole: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const names = uniqueNames(columns).map((name) => JSON.stringify(name));
  const writer = new ByteWriter(CHUNK_BYTES);
  let count = 0;
  try {
    for (;; count++) {
      const { done, value } = await rows.next();
      if (done && isWhole && value.isTruncated) throw moreRows(count);
      if (done) break;
      const cells = [...arrayElements(decodeUtf8(value))];
      writer.text(`{${cells.map((cell, i) => `${names[i]}:${cell}`).join()}}\n`);
      if (writer.length >= CHUNK_BYTES / 2) yield writer.take();
    }
    if (writer.length > 0) yield writer.take();
  } finally {
    await rows.return({ rows: count, isTruncated: true, offsets: {} });
  }
}

/** Names of members of an object: a column that has the name of one before it gets its number. */
export function uniqueNames(columns: readonly string[]): string[] {
  const names = new Set<string>();
  for (const [i, column] of columns.entries()) {
    names.add(names.has(column) ? `${column}:${i + 1}` : column);
  }
  return [...names];
}

function moreRows(count: number): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot give all rows: there are more than ${count}; ask for fewer, or give a limit`,
    { details: { limit: count } },
  );
}
