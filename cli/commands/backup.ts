/**
 * `backup`: snapshots of a store in a folder, of a server, of a cluster.
 *
 * @module
 */
import { listSnapshots } from "../../core/store/snapshots.ts";
import type { BackupOptions, BackupReport } from "../../core/store/take_snapshot.ts";
import { isUrl, openSource, placeOf } from "../connect.ts";
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
  const { output } = context;
  const { folder, list, shaped } = options;
  if (isUrl(folder)) {
    throw new UsageError(`backup writes to a folder, and ${folder} is ${placeOf(folder)}`);
  }
  if (list) return await listAll(output, options);
  const progress = copyProgress(output);
  const report = await takeSnapshot(context, folder, { onProgress: progress.show });
  progress.clear();
  if (shaped) await output.line(JSON.stringify({ version: JSON_VERSION, ...report }));
  else await writeReport(output, report);
  return report.ok ? EXIT_OK : EXIT_CORRUPT;
}

async function takeSnapshot(
  context: Context,
  folder: string,
  options: BackupOptions,
): Promise<BackupReport> {
  const { at } = context;
  if (!isUrl(at)) {
    const { backup } = await import("../../core/store/backup.ts");
    return await backup(at, folder, options);
  }
  const { backupBackend } = await import("../../replica/backup_backend.ts");
  await using source = await openSource(context, true);
  return await backupBackend(source, folder, options);
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
