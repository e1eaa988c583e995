/**
 * Results as Markdown.
 *
 * @module
 */
import { formatNumber, formatRatio } from "./numbers.ts";
import {
  type CaseResults,
  type Results,
  samplesOf,
  type SystemResults,
  type WorkloadResults,
} from "./results.ts";
import { pairedRatio, summarise } from "./stats.ts";
import type { Figure } from "./workload.ts";

/** The system that the others are compared with. */
export const OURS = "seglog";

/** A run: where it ran, and all its tables. */
export function formatResults(results: Results): string {
  return [describeRun(results), ...results.workloads.map(formatWorkload)].join("\n\n") + "\n";
}

/** Where and how a run was made, as one paragraph. */
export function describeRun(
  { command, date, runtime, machine, versions, rounds }: Results,
): string {
  const { processor, cores, memoryGiB, system, fileSystem } = machine;
  const others = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `\`${command}\`, ${date.slice(0, 10)}, on ${runtime}. ${processor}, ${cores} cores, ` +
    `${memoryGiB} GiB, ${system}, ${fileSystem}. ${others}. ` +
    `Medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, with the least and the most.`;
}

/** One workload: a heading, and a table for each case. */
export function formatWorkload(workload: WorkloadResults): string {
  const tables = workload.cases.flatMap((each) => [
    `**${each.name}**`,
    formatCase(workload.figures, each),
  ]);
  return [`### ${workload.name}: ${workload.title}`, ...tables].join("\n\n");
}

/** One case: a row for each system. */
export function formatCase(figures: readonly Figure[], results: CaseResults): string {
  const ours = results.systems.find(({ system }) => system === OURS);
  const columns = figures.flatMap((figure) => [
    figure.label,
    ...(figure.isCompared ? [`${OURS} / it`] : []),
  ]);
  const rows = results.systems.map((each) => {
    if (each.samples.every((sample) => sample === null)) {
      return [each.system, each.missing ?? "", ...columns.slice(1).map(() => "")];
    }
    return [each.system, ...figures.flatMap((figure) => cellsOf(figure, each, ours))];
  });
  return formatTable(["", ...columns], rows);
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

/** A table whose first column is text and whose others are numbers, as the formatter leaves it. */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((cell, i) =>
    Math.max(3, cell.length, ...rows.map((row) => (row[i] ?? "").length))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      widths.map((width, i) =>
        i === 0 ? (cells[i] ?? "").padEnd(width) : (cells[i] ?? "").padStart(width)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
