/**
 * `mirror`: copies topics from anywhere to anywhere that keeps offsets.
 *
 * @module
 */
import { resolve } from "node:path";
import { sleep } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { isDiverged } from "../../replica/diverged.ts";
import { mirror as mirrorAll, type MirrorReport } from "../../replica/mirror.ts";
import { openSource, openStore, placeOf } from "../connect.ts";
import { copyProgress } from "../copy_progress.ts";
import { EXIT_CORRUPT, EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type { MirrorVerbOptions } from "../grammar/replica.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import type { Output } from "../output.ts";
import { differenceLine } from "../problem_line.ts";
import { countOf, formatBytes } from "../units.ts";
import { withoutLogins } from "../without_logins.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;
/** Pause between two looks for more. */
const LOOK_MS = 1000;

/** Copies once, or until a signal. */
export async function mirror(context: Context, options: MirrorVerbOptions): Promise<number> {
  const { io, output } = context;
  const { from, to, topics, follow } = options;
  checkPlaces(options);
  return await interruptible(io, async (signal) => {
    await using source = await openSource({ ...context, at: from }, topics.length === 0);
    await using target = await openStore({ ...context, at: to });
    const progress = copyProgress(output);
    let copiedBefore = 0;
    for (;;) {
      const report = await mirrorAll(source, target, {
        ...topics.length === 0 ? {} : { topics },
        verify: options.verify,
        signal,
        onProgress: ({ bytes }) => progress.show(copiedBefore + bytes),
      }).catch((error) => {
        throw withRemedy(error, to);
      });
      progress.clear();
      copiedBefore += report.bytes;
      if (!follow || isWrong(report)) {
        await tell(output, options, report);
        if (isWrong(report)) return EXIT_CORRUPT;
        return report.isWhole ? EXIT_OK : EXIT_INTERRUPTED;
      }
      if (report.records > 0) await tell(output, options, report);
      await sleep(LOOK_MS, signal);
      if (signal.aborted) return EXIT_OK;
    }
  });
}

/** An error with what helps on the command line. */
function withRemedy(error: unknown, to: string): unknown {
  if (!isDiverged(error)) return error;
  const { code, message, details } = error;
  const remedy = `delete the topic in ${to}, or name an empty place; nothing of it was changed`;
  return new SeglogError(code, `${message}: ${remedy}`, { details, cause: error });
}

function isWrong({ verification }: MirrorReport): boolean {
  return verification?.ok === false;
}

function checkPlaces({ from, to }: MirrorVerbOptions): void {
  const [source, target] = [placeOf(from), placeOf(to)];
  if (target === "a server") {
    throw new UsageError(
      `mirror writes to a folder or a cluster, and ${to} is a server, which gives records offsets of ` +
        "its own: run it where the server's folder is, before the server is started",
    );
  }
  if (source === "a folder" && target === "a folder" && resolve(from) === resolve(to)) {
    throw new UsageError(`mirror needs two places, and ${from} is both`);
  }
}

async function tell(
  output: Output,
  { from, to, shaped }: MirrorVerbOptions,
  report: MirrorReport,
): Promise<void> {
  if (shaped) {
    const places = { from: withoutLogins(from), to: withoutLogins(to) };
    await output.line(JSON.stringify({ version: JSON_VERSION, ...places, ...report }));
    return;
  }
  const { records, bytes, partitions, topics, isWhole, verification } = report;
  for (const difference of verification?.differences ?? []) output.note(differenceLine(difference));
  const verified = verification === undefined
    ? ""
    : verification.ok
    ? `; ${
      output.styleNote("green", `all ${countOf(verification.records, "record")} are the same`)
    }`
    : `; ${output.styleNote("red", "it is not the same")}`;
  output.note(
    `seglog: copied ${countOf(records, "record")} (${formatBytes(bytes)}) to ${to}: ` +
      `${countOf(partitions, "partition")} of ${countOf(topics, "topic")}` +
      `${isWhole ? "" : ", cut short: run it again to go on"}${verified}`,
  );
}
