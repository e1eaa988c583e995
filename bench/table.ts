/**
 * Results as Markdown.
 *
 * @module
 */
import { formatNumber, formatRatio } from "./numbers.ts";
import { type CaseResults, type Results, samplesOf, type SystemResults } from "./results.ts";
import { pairedRatios, summarise } from "./stats.ts";
import type { Figure } from "./workload.ts";

/** The system that the others are compared with. */
export const OURS = "seglog";

/** All of one workload's results on one runtime. */
export function formatResults(results: Results): string {
  const tables = results.isGrowth ? growthTables(results) : caseTables(results);
  return [...tables, describeRun(results)].join("\n\n");
}

/** A table for each case, and for each part of it, in which systems are compared. */
function caseTables({ runtime, figures, cases }: Results): string[] {
  const parts = Map.groupBy(figures, ({ part }) => part);
  return cases.flatMap((each) =>
    [...parts].flatMap(([part, some]) => [
      `**${[RUNTIME_TITLES[runtime], each.name, ...part === undefined ? [] : [part]].join(", ")}**`,
      formatCase(some, each),
    ])
  );
}

/** A table for each system, in which cases are compared with the first. */
function growthTables({ runtime, figures, cases }: Results): string[] {
  const names = [...new Set(cases.flatMap(({ systems }) => systems.map(({ system }) => system)))];
  return names.flatMap((name) => {
    const steps = cases.flatMap((each) => {
      const found = each.systems.find(({ system }) => system === name);
      return found === undefined ? [] : [{ ...found, system: each.name }];
    });
    const columns = figures.map((figure) => ({ ...figure, isCompared: true }));
    return [
      `**${RUNTIME_TITLES[runtime]}, ${name}**`,
      formatRows(columns, { rows: steps, first: steps[0], header: "it / first" }),
    ];
  });
}

/** How runtimes are written. */
export const RUNTIME_TITLES = { deno: "Deno", bun: "Bun", node: "Node" } as const;

/** How a run was made, in a sentence. */
export function describeRun({ command, date, rounds }: Results): string {
  const many = rounds === 1 ? "One round" : `Medians of ${rounds} rounds, with least and most`;
  return `${many}: \`${command}\`, ${date.slice(0, 10)}.`;
}

/** Where results come from, and with what they were made: a paragraph for each machine. */
export function describeMachines(results: readonly Results[]): string {
  const versions = new Map<string, Record<string, string>>();
  for (const { machine, versions: some } of results) {
    const { processor, cores, memoryGiB, system, fileSystem } = machine;
    const name = `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, ${fileSystem}`;
    versions.set(name, { ...versions.get(name), ...some });
  }
  return [...versions].map(([name, all]) =>
    `${name}; ${Object.entries(all).map((each) => each.join(" ")).join(", ")}.`
  ).join("\n\n");
}

/** One case: a row for each system. */
export function formatCase(figures: readonly Figure[], { systems }: CaseResults): string {
  const ours = systems.find(({ system }) => system === OURS);
  return formatRows(figures, { rows: systems, ours, header: `${OURS} / it` });
}

/** What the rows of a table are compared with: others with `ours`, or each with the `first`. */
interface Rows {
  readonly rows: readonly SystemResults[];
  readonly ours?: SystemResults | undefined;
  readonly first?: SystemResults | undefined;
  readonly header: string;
}

function formatRows(figures: readonly Figure[], table: Rows): string {
  const columns = figures.flatMap(({ label, isCompared }) =>
    isCompared ? [label, table.header] : [label]
  );
  const measured = table.rows.filter(({ samples }) => samples.some((sample) => sample !== null))
    .map((row) => [row.system, ...figures.flatMap((figure) => cellsOf(figure, row, table))]);
  const missing = table.rows.flatMap(({ system, missing, samples }) => {
    if (missing === undefined) return [];
    const from = samples.length < 2 ? "" : ` from round ${samples.length} on`;
    return `Not measured${from}: ${system} ${missing}.`;
  });
  const head = measured.length === 0 ? [] : [formatTable(["", ...columns], measured)];
  return [...head, ...missing].join("\n\n");
}

function cellsOf({ key, isCompared }: Figure, row: SystemResults, { ours, first }: Rows): string[] {
  const samples = samplesOf(row, key);
  const cells = [formatSamples(samples)];
  if (!isCompared) return cells;
  const other = ours ?? first;
  if (other === undefined || other === row) return [...cells, ""];
  const others = samplesOf(other, key);
  const ratios = ours === undefined ? pairedRatios(samples, others) : pairedRatios(others, samples);
  return [...cells, ratios.length === 0 ? "" : formatRatio(summarise(ratios).median)];
}

function formatSamples(samples: readonly (number | undefined)[]): string {
  const known = samples.filter((sample) => sample !== undefined);
  if (known.length === 0) return "";
  const { median, min, max } = summarise(known);
  const spread = known.length === 1 ? "" : ` (${formatNumber(min)} to ${formatNumber(max)})`;
  return `${formatNumber(median)}${spread}`;
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
