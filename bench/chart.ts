/**
 * Results as a chart: an SVG with a group of bars for each figure that is compared, on each runtime.
 *
 * @module
 */
import { formatNumber } from "./numbers.ts";
import { type Results, samplesOf } from "./results.ts";
import { summarise, type Summary } from "./stats.ts";
import { OURS, RUNTIME_TITLES } from "./table.ts";
import type { Figure } from "./workload.ts";

interface Bar {
  readonly name: string;
  readonly isOurs: boolean;
  readonly summary: Summary;
}

/** Bars that belong together: one scale. */
interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const LABEL_WIDTH = 170;
const VALUE_WIDTH = 90;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
const ROW_HEIGHT = 22;
const TITLE_HEIGHT = 34;
const OUR_COLOUR = "#0b6e4f";
const OTHER_COLOUR = "#9aa5b1";
const TEXT_COLOUR = "#1f2933";

/** One workload on all runtimes that it was run on. */
export function drawChart(results: readonly Results[]): string {
  const groups = results.flatMap(groupsOf).filter(({ bars }) => bars.length > 0);
  const [first] = results;
  const title = first === undefined ? "" : `${first.name}: ${first.title}`;
  let y = TITLE_HEIGHT;
  const parts: string[] = [text(title, { x: 12, y: 22, isBold: true })];
  for (const group of groups) {
    parts.push(text(group.title, { x: 12, y: y + 22 }));
    y += TITLE_HEIGHT;
    const most = Math.max(...group.bars.map(({ summary }) => summary.max));
    for (const bar of group.bars) {
      parts.push(...drawBar(bar, { y, scale: most === 0 ? 0 : BAR_WIDTH / most }));
      y += ROW_HEIGHT;
    }
  }
  const height = y + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    `viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escape(title)}</title>`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function groupsOf(results: Results): Group[] {
  if (results.isGrowth) return growthGroupsOf(results);
  const { figures } = results;
  const isDrawn = figures.some(({ isCompared }) => isCompared)
    ? ({ isCompared }: Figure) => isCompared
    : (figure: Figure) => figure === figures[0];
  return results.cases.flatMap((each) =>
    figures.filter(isDrawn).map((figure) => ({
      title: `${RUNTIME_TITLES[results.runtime]}, ${each.name}: ` +
        `${figure.part === undefined ? "" : `${figure.part}, `}` +
        `${figure.label}, ${figure.better} is better`,
      bars: each.systems.flatMap((system) => {
        const name = system.system;
        const isOurs = name.startsWith(OURS);
        return barOf({ name, isOurs }, samplesOf(system, figure.key));
      }),
    }))
  );
}

/** Steps of the growth of seglog, the figures one below another. */
function growthGroupsOf({ runtime, figures, cases }: Results): Group[] {
  return figures.map(({ key, label, better }) => ({
    title: `${RUNTIME_TITLES[runtime]}, ${OURS}: ${label}, ${better} is better`,
    bars: cases.flatMap((each) =>
      each.systems.filter(({ system }) => system === OURS).flatMap((system) =>
        barOf({ name: each.name, isOurs: true }, samplesOf(system, key))
      )
    ),
  }));
}

function barOf(bar: Omit<Bar, "summary">, samples: readonly (number | undefined)[]): Bar[] {
  const known = samples.filter((sample) => sample !== undefined);
  return known.length === 0 ? [] : [{ ...bar, summary: summarise(known) }];
}

/** A bar as long as the median, with a line from the least to the most. */
function drawBar(
  { name, isOurs, summary }: Bar,
  { y, scale }: { y: number; scale: number },
): string[] {
  const { median, min, max } = summary;
  const middle = y + ROW_HEIGHT / 2;
  const end = (value: number) => (LABEL_WIDTH + value * scale).toFixed(1);
  const colour = isOurs ? OUR_COLOUR : OTHER_COLOUR;
  return [
    text(name, { x: LABEL_WIDTH - 8, y: middle + 4, anchor: "end" }),
    `<rect x="${LABEL_WIDTH}" y="${y + 3}" width="${(median * scale).toFixed(1)}" ` +
    `height="${ROW_HEIGHT - 6}" fill="${colour}"/>`,
    `<line x1="${end(min)}" x2="${end(max)}" y1="${middle}" y2="${middle}" ` +
    `stroke="${TEXT_COLOUR}"/>`,
    text(formatNumber(median), { x: Number(end(max)) + 6, y: middle + 4 }),
  ];
}

function text(
  content: string,
  { x, y, anchor = "start", isBold = false }: {
    x: number;
    y: number;
    anchor?: "start" | "end";
    isBold?: boolean;
  },
): string {
  const weight = isBold ? ' font-weight="600"' : "";
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${TEXT_COLOUR}"${weight}>` +
    `${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
