/**
 * Rows of a query for people and for programs.
 *
 * @module
 */
import { arrayElements } from "../../core/format/json_slices.ts";
import { uniqueNames } from "../../server/query/query_answer.ts";
import type { Output } from "../output.ts";
import { writeRows } from "../table.ts";
import type { QueryRows } from "./query_source.ts";

/** How rows are written. */
export interface PrintOptions {
  readonly shaped: boolean;
  readonly csv: boolean;
}

/** Text that is written at once. */
const CHUNK_CHARS = 64 * 1024;

/** Writes all rows. @returns how many they were, and whether there are more */
export async function printRows(
  output: Output,
  rows: QueryRows,
  options: PrintOptions,
): Promise<{ count: number; isTruncated: boolean }> {
  if (output.isTerminal && !options.shaped && !options.csv) return await printTable(output, rows);
  const { heading, line } = lineFormat(rows.columns, options);
  let text = heading;
  for (let count = 0;; count++) {
    const { done, value } = await rows.rows.next();
    if (done) {
      await output.write(text);
      return { count, isTruncated: value.isTruncated };
    }
    text += line([...arrayElements(value)]);
    if (text.length >= CHUNK_CHARS) {
      await output.write(text);
      text = "";
    }
  }
}

async function printTable(
  output: Output,
  { columns, rows }: QueryRows,
): Promise<{ count: number; isTruncated: boolean }> {
  const cells: string[][] = [];
  for (;;) {
    const { done, value } = await rows.next();
    if (done) {
      const numeric = columns.keys().filter((column) =>
        cells.every((row) => /^[-\d]|^null$/.test(row[column]!))
      );
      const shown = cells.map((row) => row.map((cell) => cell === "null" ? "NULL" : plain(cell)));
      await writeRows(output, {
        headings: columns,
        rows: shown.map((row) => row.map(printable)),
        numeric: [...numeric],
      });
      return { count: cells.length, isTruncated: value.isTruncated };
    }
    cells.push([...arrayElements(value)]);
  }
}

function lineFormat(
  columns: readonly string[],
  { shaped, csv }: PrintOptions,
): { heading: string; line: (cells: readonly string[]) => string } {
  if (shaped) {
    const names = uniqueNames(columns).map((name) => JSON.stringify(name));
    return {
      heading: "",
      line: (cells) => `{${cells.map((cell, i) => `${names[i]}:${cell}`).join()}}\n`,
    };
  }
  const [separator, written] = csv ? [",", csvCell] : ["\t", tabCell];
  const lineOf = (cells: readonly string[]) => `${cells.map(written).join(separator)}\n`;
  return { heading: lineOf(columns), line: (cells) => lineOf(cells.map(plain)) };
}

/** A value as text: of a blob its base64, and nothing for null. */
function plain(cell: string): string {
  if (cell === "null") return "";
  if (cell.startsWith('"')) return JSON.parse(cell) as string;
  return cell.startsWith("{") ? (JSON.parse(cell) as { base64: string }).base64 : cell;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tabCell(text: string): string {
  return text.replace(/[\t\r\n]/g, " ");
}

/** What a terminal would take as an order is shown as what it is. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => char === "\n" ? "⏎" : "\ufffd");
}
