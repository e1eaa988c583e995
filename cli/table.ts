/**
 * Rows and columns: a drawn table for people, tab-separated lines for programs.
 *
 * @module
 */
import type { Output } from "./output.ts";

/** Rows under their headings. */
export interface Rows {
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns of numbers, by their place: aligned to the right on a terminal. */
  readonly numeric?: readonly number[];
}

/** Writes rows as suits whoever reads standard output. */
export async function writeRows(output: Output, rows: Rows): Promise<void> {
  if (output.isTerminal) return await output.line(await drawTable(output, rows));
  const lines = [rows.headings, ...rows.rows].map((row) => row.map(plainCell).join("\t"));
  await output.write(lines.map((line) => `${line}\n`).join(""));
}

async function drawTable(output: Output, { headings, rows, numeric = [] }: Rows): Promise<string> {
  const { default: Table } = await import("cli-table3");
  const table = new Table({
    head: headings.map((heading) => output.style("bold", heading)),
    colAligns: headings.map((_, column) => numeric.includes(column) ? "right" : "left"),
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: NO_BORDERS,
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split("\n").map((line) => line.trimEnd()).join("\n");
}

const NO_BORDERS = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "",
  "right-mid": "",
  "middle": "",
};

function plainCell(cell: string): string {
  return cell.replace(/[\t\r\n]/g, " ");
}
