/**
 * Makes what people read out of the results in `bench/results/`: a chart for each workload, and the
 * tables in `docs/performance.md`, so that no number is typed by hand.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../scripts/command.ts";
import { DENO } from "../scripts/runtimes.ts";
import { drawChart } from "./chart.ts";
import { readResults, type Results } from "./results.ts";
import { RUNTIME_NAMES } from "./runtimes.ts";
import { describeMachines, formatResults } from "./table.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const RESULTS_FOLDER = "bench/results";
const PAGE = "docs/performance.md";
/** `<!-- bench W1 -->`, whatever stands there now, `<!-- end -->`. */
const PLACE = /(<!-- bench (\S+) -->\n)[^]*?(<!-- end -->)/g;

/** Draws the charts and fills the page. @throws {Error} when the page cannot be formatted */
export async function report(): Promise<void> {
  const folder = join(ROOT, RESULTS_FOLDER);
  const byName = Map.groupBy(readResults(folder), ({ name }) => name);
  for (const [name, results] of byName) {
    fs.writeFileSync(join(folder, `${name}.svg`), drawChart(inOrder(results)));
  }
  const page = join(ROOT, PAGE);
  fs.writeFileSync(page, fillPage(fs.readFileSync(page, "utf8"), byName));
  const { status, stderr } = await run([...DENO, "fmt", "--quiet", page], { cwd: ROOT });
  if (status !== 0) throw new Error(`Cannot format ${PAGE}: ${stderr.trim()}`);
}

/** The page with the tables of these results, and with nothing where there are none. */
export function fillPage(page: string, byName: ReadonlyMap<string, readonly Results[]>): string {
  return page.replaceAll(PLACE, (_, before: string, name: string, after: string) => {
    const content = name === "machine"
      ? describeMachines([...byName.values()].flat())
      : sectionOf(byName.get(name) ?? []);
    return `${before}${content === "" ? "" : `\n${content}\n\n`}${after}`;
  });
}

function sectionOf(results: readonly Results[]): string {
  const [first] = results;
  if (first === undefined) return "";
  const chart = `![${first.title}](../${RESULTS_FOLDER}/${first.name}.svg)`;
  return [chart, ...inOrder(results).map(formatResults)].join("\n\n");
}

function inOrder(results: readonly Results[]): Results[] {
  return results.toSorted((a, b) =>
    RUNTIME_NAMES.indexOf(a.runtime) - RUNTIME_NAMES.indexOf(b.runtime)
  );
}

if (import.meta.main) {
  await report();
  process.stderr.write(`${PAGE} tells what is in ${RESULTS_FOLDER}\n`);
}
