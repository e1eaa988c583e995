/**
 * `backup`: snapshots of the store in a folder.
 *
 * @module
 */
import { backup as takeSnapshot, type BackupReport } from "../../core/store/backup.ts";
import { listSnapshots } from "../../core/store/snapshots.ts";
import { isUrl, placeOf } from "../connect.ts";
import { EXIT_CORRUPT, EXIT_OK, UsageError } from "../exit.ts";
import type { BackupVerbOptions } from "../grammar/backup.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { problemLine } from "../problem_line.ts";
import { writeRows } from "../table.ts";
import { countOf, formatBytes, formatCount } from "../units.ts";
import { copyProgress } from "../copy_progress.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Takes a snapshot, or lists those that there are. */
export async function backup(context: Context, options: BackupVerbOptions): Promise<number> {
  const { at, output } = context;
  const { folder, list, shaped } = options;
  if (isUrl(folder)) {
    throw new UsageError(`backup writes to a folder, and ${folder} is ${placeOf(folder)}`);
  }
  if (list) return await listAll(output, options);
  if (placeOf(at) === "a cluster") {
    throw new UsageError(`backup reads files, and ${at} is a cluster: name a folder with --at DIR`);
  }
  if (isUrl(at)) {
    throw new UsageError(
      `backup reads files, and ${at} is a server: run it where the data folder is, with --at DIR; ` +
        "the server goes on meanwhile",
    );
  }
  const progress = copyProgress(output);
  const report = await takeSnapshot(at, folder, { onProgress: progress.show });
  progress.clear();
  if (shaped) await output.line(JSON.stringify({ version: JSON_VERSION, ...report }));
  else await writeReport(output, report);
  return report.ok ? EXIT_OK : EXIT_CORRUPT;
}

async function writeReport(output: Output, report: BackupReport): Promise<void> {
  const { snapshot, copiedBytes, linkedBytes, problems } = report;
  for (const problem of problems) output.note(problemLine(output, problem));
  await output.line(snapshot.path);
  output.note(
    `seglog: ${countOf(snapshot.records, "record")} in ${countOf(snapshot.topics, "topic")}: ` +
      `copied ${formatBytes(copiedBytes)}, linked ${formatBytes(linkedBytes)}`,
  );
  if (report.ok) return;
  const places = countOf(problems.length, "place");
  output.note(
    output.styleNote("red", `seglog: ${places} damaged in the store, copied as they are`),
  );
}

async function listAll(output: Output, { folder, shaped }: BackupVerbOptions): Promise<number> {
  const snapshots = await listSnapshots(folder);
  if (shaped) {
    await output.line(JSON.stringify({ version: JSON_VERSION, folder, snapshots }));
    return EXIT_OK;
  }
  if (snapshots.length === 0) output.note(`seglog: ${folder} has no snapshots`);
  const { isTerminal } = output;
  await writeRows(output, {
    headings: ["SNAPSHOT", "TOPICS", "RECORDS", "BYTES"],
    numeric: [1, 2, 3],
    rows: snapshots.map(({ name, topics, records, bytes }) => [
      name,
      isTerminal ? formatCount(topics) : String(topics),
      isTerminal ? formatCount(records) : String(records),
      isTerminal ? formatBytes(bytes) : String(bytes),
    ]),
  });
  return EXIT_OK;
}
