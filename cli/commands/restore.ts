/**
 * `restore`: a store from a snapshot.
 *
 * @module
 */
import { restore as restoreSnapshot } from "../../core/store/restore.ts";
import { isUrl, placeOf } from "../connect.ts";
import { copyProgress } from "../copy_progress.ts";
import { EXIT_CORRUPT, EXIT_OK, UsageError } from "../exit.ts";
import type { RestoreVerbOptions } from "../grammar/backup.ts";
import type { Context } from "../grammar/verb.ts";
import { problemLine } from "../problem_line.ts";
import { countOf } from "../units.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Restores, and says what verifying the new store found. */
export async function restore(context: Context, options: RestoreVerbOptions): Promise<number> {
  const { output } = context;
  const { source, target, snapshot, shaped } = options;
  for (const place of [source, target]) {
    if (!isUrl(place)) continue;
    throw new UsageError(`restore works on folders, and ${place} is ${placeOf(place)}`);
  }
  const progress = copyProgress(output);
  const onProgress = progress.show;
  const report = await restoreSnapshot(source, target, {
    onProgress,
    ...snapshot === undefined ? {} : { snapshot },
  });
  progress.clear();
  const exitCode = report.ok ? EXIT_OK : EXIT_CORRUPT;
  if (shaped) {
    await output.line(JSON.stringify({ version: JSON_VERSION, ...report }));
    return exitCode;
  }
  for (const problem of report.problems) output.note(problemLine(output, problem));
  const records = report.partitions.reduce((sum, partition) => sum + partition.records, 0);
  const damages = report.problems.filter(({ severity }) => severity === "damage").length;
  const found = report.ok
    ? output.styleNote("green", "everything is intact")
    : output.styleNote("red", `${countOf(damages, "place")} damaged`);
  output.note(
    `seglog: restored ${
      countOf(records, "record")
    } from ${report.source} to ${report.target}; ${found}`,
  );
  return exitCode;
}
