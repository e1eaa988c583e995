/**
 * `verify`: reads everything and checks it, in a folder, through a server or in a cluster.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import type { Backend } from "../../core/backend.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { parseSegmentFileName } from "../../core/format/file_names.ts";
import { repairCommand } from "../../core/log/repair_words.ts";
import type {
  VerifiedPartition,
  VerifyProblem,
  VerifyReport,
} from "../../core/store/verify_report.ts";
import { checkExists, isUrl, openToRead } from "../connect.ts";
import { EXIT_CORRUPT, EXIT_OK } from "../exit.ts";
import type { VerifyVerbOptions } from "../grammar/maintain.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { problemLine } from "../problem_line.ts";
import { writeRows } from "../table.ts";
import { countOf } from "../units.ts";
import { withoutLogins } from "../without_logins.ts";

/** Reports what is there on standard output, and what is wrong on standard error. */
export async function verify(context: Context, options: VerifyVerbOptions): Promise<number> {
  const path = options.path ?? context.at;
  const report = isUrl(path)
    ? await verifyServer({ ...context, at: path })
    : await verifyFolder(path);
  const { output } = context;
  if (options.shaped) {
    await output.line(JSON.stringify({ version: 1, path: withoutLogins(path), ...report }));
  } else await writeReport(output, report);
  return report.ok ? EXIT_OK : EXIT_CORRUPT;
}

async function verifyFolder(path: string): Promise<VerifyReport> {
  checkExists(path);
  const { verify } = await import("../../core/store/verify.ts");
  return await verify(path);
}

/** What can be seen from outside: every batch of every partition arrives and passes its checks. */
async function verifyServer(context: Context): Promise<VerifyReport> {
  await using backend = await openToRead(context);
  const partitions: VerifiedPartition[] = [];
  const problems: VerifyProblem[] = [];
  for (const { name } of await backend.listTopics()) {
    for (const info of (await backend.describeTopic(name)).partitions) {
      const path = `${name}-${info.partition}`;
      const read = await readPartition(backend, name, info);
      partitions.push({
        path,
        segments: info.segments,
        records: read.records,
        bytes: info.bytes,
        nextOffset: info.nextOffset,
      });
      problems.push(...read.problems.map((problem) => ({ path, ...problem })));
    }
  }
  const ok = problems.every(({ severity }) => severity === "notice");
  return { ok, partitions, problems };
}

async function readPartition(
  backend: Backend,
  topic: string,
  info: { partition: number; logStartOffset: number; nextOffset: number },
): Promise<{ records: number; problems: Omit<VerifyProblem, "path">[] }> {
  const problems: Omit<VerifyProblem, "path">[] = [];
  let records = 0;
  let from = info.logStartOffset;
  while (from < info.nextOffset) {
    try {
      const range = { partition: info.partition, from, until: info.nextOffset };
      for await (const batch of backend.batches(topic, range)) {
        for (const _ of batch.records()) records++;
        from = batch.nextOffset;
      }
      break;
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      if (error.code !== "corrupt" && error.code !== "lost") throw error;
      const { start, end } = error.details;
      problems.push({
        severity: error.code === "corrupt" ? "damage" : "notice",
        message: messageOf(error),
        ...(typeof start === "number" ? { start } : {}),
        ...(typeof end === "number" ? { end } : {}),
      });
      if (typeof end !== "number" || end <= from) break; // nowhere to go on from
      from = end;
    }
  }
  return { records, problems };
}

async function writeReport(output: Output, report: VerifyReport): Promise<void> {
  await writeRows(output, {
    headings: ["PARTITION", "SEGMENTS", "RECORDS", "BYTES", "NEXT"],
    numeric: [1, 2, 3, 4],
    rows: report.partitions.map((partition) => [
      partition.path,
      String(partition.segments),
      String(partition.records),
      String(partition.bytes),
      String(partition.nextOffset),
    ]),
  });
  for (const problem of report.problems) output.note(problemLine(output, problem));
  const damages = report.problems.filter(({ severity }) => severity === "damage").length;
  const isSpotless = report.problems.length === 0;
  output.note(
    report.ok
      ? output.styleNote(
        "green",
        isSpotless
          ? "seglog: everything is intact"
          : "seglog: no damage, but for what is said above",
      )
      : output.styleNote("red", `seglog: ${countOf(damages, "place")} damaged`),
  );
  for (const command of repairCommands(report)) {
    output.note(`seglog: restore what is damaged, or give up what cannot be read: ${command}`);
  }
}

/** What to type for each partition with damaged segments; of anything else its message tells. */
function repairCommands({ problems }: VerifyReport): string[] {
  const folders = new Map<string, VerifyProblem[]>();
  for (const problem of problems) {
    const isSegment = parseSegmentFileName(basename(problem.path)) !== undefined;
    if (problem.severity !== "damage" || !isSegment) continue;
    const folder = dirname(problem.path);
    folders.set(folder, [...folders.get(folder) ?? [], problem]);
  }
  return [...folders].map(([folder, found]) => {
    const ranges = found.flatMap(({ start, end }) => start === undefined ? [] : [{ start, end }]);
    const isAllTold = found.every(({ end }) => end !== undefined);
    return isAllTold ? repairCommand(folder, ranges) : `${repairCommand(folder, [])} --dry-run`;
  });
}
