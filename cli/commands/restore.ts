/**
 * `restore`: a store, or what a cluster has, from a snapshot.
 *
 * @module
 */
import type { RestoreReport } from "../../core/store/restore.ts";
import type { RestoreToReport } from "../../replica/restore_to.ts";
import { isUrl, openStore, placeOf } from "../connect.ts";
import { copyProgress } from "../copy_progress.ts";
import { EXIT_CORRUPT, EXIT_OK, UsageError } from "../exit.ts";
import type { RestoreVerbOptions } from "../grammar/backup.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { differenceLine, problemLine } from "../problem_line.ts";
import { sourceName } from "../source_name.ts";
import { countOf } from "../units.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Restores, and says what verifying the new store, or comparing, found. */
export async function restore(context: Context, options: RestoreVerbOptions): Promise<number> {
  const { source, target } = options;
  checkPlaces(options);
  const progress = copyProgress(context.output);
  const { snapshot } = options;
  const how = {
    onProgress: progress.show,
    ...snapshot === undefined ? {} : { snapshot },
  };
  if (!isUrl(target)) {
    const { restore } = await import("../../core/store/restore.ts");
    const report = await restore(source, target, how);
    progress.clear();
    return await tell(context.output, options, report, folderWords(context.output, report));
  }
  const { restoreTo } = await import("../../replica/restore_to.ts");
  await using cluster = await openStore({ ...context, at: target });
  const report = { ...await restoreTo(source, cluster, how), target: sourceName(target) };
  progress.clear();
  return await tell(context.output, options, report, clusterWords(report));
}

function checkPlaces({ source, target }: RestoreVerbOptions): void {
  if (isUrl(source)) {
    throw new UsageError(`restore reads a folder, and ${source} is ${placeOf(source)}`);
  }
  if (isUrl(target) && placeOf(target) === "a server") {
    throw new UsageError(
      `restore writes to a folder or a cluster, and ${target} is a server, which gives records ` +
        "offsets of its own: restore to a folder, and serve that",
    );
  }
}

async function tell(
  output: Output,
  { shaped }: RestoreVerbOptions,
  report: { readonly ok: boolean; readonly source: string; readonly target: string },
  { notes, records, found }: Words,
): Promise<number> {
  if (shaped) await output.line(JSON.stringify({ version: JSON_VERSION, ...report }));
  else {
    for (const note of notes) output.note(note);
    const { ok, source, target } = report;
    output.note(
      `seglog: restored ${countOf(records, "record")} from ${source} to ${target}; ` +
        output.styleNote(ok ? "green" : "red", found),
    );
  }
  return report.ok ? EXIT_OK : EXIT_CORRUPT;
}

/** What is said of a restore, but for from where to where it was. */
interface Words {
  readonly notes: readonly string[];
  readonly records: number;
  readonly found: string;
}

function folderWords(output: Output, { ok, problems, partitions }: RestoreReport): Words {
  const damages = problems.filter(({ severity }) => severity === "damage").length;
  return {
    notes: problems.map((problem) => problemLine(output, problem)),
    records: partitions.reduce((sum, partition) => sum + partition.records, 0),
    found: ok ? "everything is intact" : `${countOf(damages, "place")} damaged`,
  };
}

function clusterWords({ ok, verification }: RestoreToReport): Words {
  const { records, differences } = verification;
  return {
    notes: differences.map(differenceLine),
    records,
    found: ok ? "all of them are the same there" : "it is not the same there",
  };
}
