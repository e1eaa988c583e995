/**
 * `repair`: gets a damaged partition going again, giving up what was agreed to.
 *
 * @module
 */
import type { RepairReport } from "../../core/log/repair.ts";
import { formatOffsets } from "../append/offset_runs.ts";
import { confirmed } from "../confirm.ts";
import { checkExists, isUrl, placeOf } from "../connect.ts";
import { EXIT_ERROR, EXIT_OK, UsageError } from "../exit.ts";
import type { RepairVerbOptions } from "../grammar/maintain.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { countOf } from "../units.ts";

/** Says on standard error what was wrong, what goes and what stays; asks before anything goes. */
export async function repair(context: Context, options: RepairVerbOptions): Promise<number> {
  const { path, acceptLoss, dryRun, shaped, yes } = options;
  const { output } = context;
  if (isUrl(path)) {
    throw new UsageError(
      placeOf(path) === "a cluster"
        ? "repair works on folders: what is damaged in a cluster, its own servers repair from each other"
        : "repair works on folders: stop the server, and name one of its folders",
    );
  }
  checkExists(path);
  const { repair } = await import("../../core/store/repair.ts");
  const plan = await repair(path, { acceptLoss, dryRun: true });
  if (!shaped) writePlaces(output, plan);
  if (!dryRun && plan.isDamaged && !yes && !await confirmed(context, questionOf(plan))) {
    output.note("seglog: nothing was changed");
    return EXIT_ERROR;
  }
  const report = dryRun || !plan.isDamaged ? plan : await repair(path, { acceptLoss });
  if (shaped) await output.line(JSON.stringify({ version: 1, dryRun, ...report }));
  else writeReport(output, report, dryRun);
  return EXIT_OK;
}

function questionOf({ path, lost }: RepairReport): string {
  return lost.length === 0
    ? `Repair ${path}? No record is lost by it.`
    : `Give up ${countOf(lostCount(lost), "offset")} of ${path}, ${rangesOf(lost)}?`;
}

function writePlaces(output: Output, { places }: RepairReport): void {
  const label = output.styleNote("red", "damage");
  for (const { path, position, message } of places) {
    output.note(`seglog: ${label}: ${path} at position ${position}: ${message}`);
  }
}

function writeReport(output: Output, report: RepairReport, dryRun: boolean): void {
  const { path, isDamaged, lost, records, quarantined, notes } = report;
  if (!isDamaged) {
    output.note(`seglog: nothing is damaged in ${path}, nothing was changed`);
    return;
  }
  const count = countOf(lostCount(lost), "offset");
  const loss = lost.length === 0 ? `nothing of ${path}` : `${count} of ${path}: ${rangesOf(lost)}`;
  output.note(`seglog: ${dryRun ? "would give up" : "gave up"} ${loss}`);
  if (records !== undefined) {
    output.note(`seglog: ${countOf(records, "record")} can be read ${dryRun ? "then" : "now"}`);
  }
  for (const note of notes) output.note(`seglog: ${note}`);
  for (const copy of quarantined) output.note(`seglog: what was there is kept in ${copy}`);
}

function lostCount(lost: RepairReport["lost"]): number {
  return lost.reduce((sum, { start, end }) => sum + end - start, 0);
}

function rangesOf(lost: RepairReport["lost"]): string {
  return lost.map(formatOffsets).join(", ");
}
