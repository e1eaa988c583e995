/**
 * Results as Markdown.
 *
 * @module
 */
import { formatNumber, formatRatio } from "./numbers.ts";
import { type CaseResults, type Results, samplesOf, type SystemResults } from "./results.ts";
import { pairedRatio, summarise } from "./stats.ts";
import type { Figure } from "./workload.ts";

/** The system that the others are compared with. */
export const OURS = "seglog";

/** All of one workload's results on one runtime. */
export function formatResults(results: Results): string {
  const tables = results.cases.flatMap((each) => [
    `**${RUNTIME_TITLES[results.runtime]}, ${each.name}**`,
    formatCase(results.figures, each),
  ]);
  return [...tables, describeRun(results)].join("\n\n");
}

/** How runtimes are written. */
export const RUNTIME_TITLES = { deno: "Deno", bun: "Bun", node: "Node" } as const;

/** How a run was made, in a sentence. */
export function describeRun({ command, date, rounds }: Results): string {
  const many = rounds === 1 ? "One round" : `Medians of ${rounds} rounds, with least and most`;
  return `${many}: \`${command}\`, ${date.slice(0, 10)}.`;
}

/** Where a run was made, and with what, in a sentence. */
export function describeMachine({ machine, versions }: Results): string {
  const { processor, cores, memoryGiB, system, fileSystem } = machine;
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, ${fileSystem}; ` +
    `${parts.join(", ")}.`;
}

/** One case: a row for each system. */
export function formatCase(figures: readonly Figure[], results: CaseResults): string {
  const ours = results.systems.find(({ system }) => system === OURS);
  const columns = figures.flatMap((figure) => [
    figure.label,
    ...(figure.isCompared ? [`${OURS} / it`] : []),
  ]);
  const rows = results.systems
    .filter(({ samples }) => samples.some((sample) => sample !== null))
    .map((each) => [each.system, ...figures.flatMap((figure) => cellsOf(figure, each, ours))]);
  const missing = results.systems.flatMap(({ system, missing }) =>
    missing === undefined ? [] : `${system} ${missing}`
  );
  const table = rows.length === 0 ? [] : [formatTable(["", ...columns], rows)];
  return [...table, ...missing.map((each) => `Not measured: ${each}.`)].join("\n\n");
}

function cellsOf(
  { key, isCompared = false }: Figure,
  results: SystemResults,
  ours: SystemResults | undefined,
): string[] {
  const samples = samplesOf(results, key);
  const known = samples.filter((sample) => sample !== undefined);
  if (known.length === 0) return isCompared ? ["", ""] : [""];
  const { median, min, max } = summarise(known);
  const spread = known.length === 1 ? "" : ` (${formatNumber(min)} to ${formatNumber(max)})`;
  const cell = `${formatNumber(median)}${spread}`;
  if (!isCompared) return [cell];
  const ratio = ours === undefined || ours === results
    ? undefined
    : pairedRatio(samplesOf(ours, key), samples);
  return [cell, ratio === undefined ? "" : formatRatio(ratio.median)];
}

/** A table whose first column is text and whose others are numbers. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((cell, i) =>
    Math.max(3, cell.length, ...rows.map((row) => (row[i] ?? "").length))
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const padded = (cells: readonly string[]) =>
    widths.map((width, i) => {
      const cell = cells[i] ?? "";
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(padded(head)), line(rule), ...rows.map((row) => line(padded(row)))].join("\n");
}
