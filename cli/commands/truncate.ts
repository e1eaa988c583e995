/**
 * `truncate`: removes records from one end of a topic.
 *
 * @module
 */
import type { Backend, TruncateOptions } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { resolveOffset } from "../../core/offset_range.ts";
import { countRecords, startOfLast } from "../../core/reading.ts";
import { formatOffsets } from "../append/offset_runs.ts";
import { confirmed } from "../confirm.ts";
import { openToChange, openToRead } from "../connect.ts";
import { EXIT_ERROR, EXIT_OK, UsageError } from "../exit.ts";
import type { TruncateVerbOptions } from "../grammar/maintain.ts";
import type { Context } from "../grammar/verb.ts";
import { checkSelector, partitionsOf } from "../read/partition_ranges.ts";
import { countOf } from "../units.ts";

/** Says on standard error what goes; asks first unless told not to. */
export async function truncate(context: Context, options: TruncateVerbOptions): Promise<number> {
  const { output } = context;
  const cut = chosenCut(options);
  await using backend = await (options.dryRun ? openToRead(context) : openToChange(context));
  const plans = await plan(backend, options, cut);
  const total = plans.reduce((sum, { records }) => sum + records, 0);
  if (total === 0) {
    output.note(`seglog: "${options.topic}" has no records there, nothing is removed`);
    return EXIT_OK;
  }
  const what = `${countOf(total, "record")} of "${options.topic}"`;
  if (!options.dryRun && !options.yes && !await confirmed(context, `Remove ${what}?`)) {
    output.note("seglog: nothing was removed");
    return EXIT_ERROR;
  }
  for (const { cutting, removed, records, isSpread } of plans) {
    if (records === 0) continue;
    if (!options.dryRun) await backend.truncate(options.topic, cutting);
    const place = isSpread ? ` in partition ${cutting.partition}` : "";
    const verb = options.dryRun ? "would remove" : "removed";
    output.note(`seglog: ${verb} ${countOf(records, "record")}${place}: ${formatOffsets(removed)}`);
  }
  return EXIT_OK;
}

interface Plan {
  readonly cutting: TruncateOptions;
  /** Offsets `[start, end)`. */
  readonly removed: { readonly start: number; readonly end: number };
  /** How many records are there. */
  readonly records: number;
  /** Whether other partitions are cut too. */
  readonly isSpread: boolean;
}

type Cut = "before" | "after" | "keep";

function chosenCut(options: TruncateVerbOptions): Cut {
  const chosen = (["before", "after", "keep"] as const).filter((cut) => options[cut] !== undefined);
  if (chosen.length === 1) return chosen[0]!;
  throw new UsageError("say what to remove with one of --before, --after and --keep");
}

async function plan(backend: Backend, options: TruncateVerbOptions, cut: Cut): Promise<Plan[]> {
  const { topic, before, after, keep } = options;
  const partitions = await partitionsOf(backend, topic, options.partition);
  if (cut === "before") checkSelector(before!, topic, partitions);
  if (cut === "after") checkSelector({ kind: "offset", offset: after! }, topic, partitions);
  const isSpread = partitions.length > 1;
  return await Promise.all(partitions.map(async (partition) => {
    const planned = ({ cutting, removed }: Pick<Plan, "cutting" | "removed">) =>
      counted(backend, topic, { cutting, removed, isSpread });
    const { logStartOffset, nextOffset } = await backend.bounds(topic, partition);
    if (cut === "after") {
      const start = Math.max(after! + 1, logStartOffset);
      const removed = { start: Math.min(start, nextOffset), end: nextOffset };
      return await planned({ cutting: { partition, after: after! }, removed });
    }
    const first = cut === "keep"
      ? await startOfLast(backend, topic, { count: keep!, partition })
      : await resolveOffset(backend, topic, before!, partition);
    if (first > nextOffset) throw pastEnd(topic, first, nextOffset);
    const removed = { start: logStartOffset, end: Math.max(first, logStartOffset) };
    return await planned({ cutting: { partition, before: first }, removed });
  }));
}

async function counted(
  backend: Backend,
  topic: string,
  plan: Omit<Plan, "records">,
): Promise<Plan> {
  const { partition = 0 } = plan.cutting;
  return { ...plan, records: await countRecords(backend, topic, { ...plan.removed, partition }) };
}

function pastEnd(topic: string, offset: number, nextOffset: number): SeglogError {
  return new SeglogError(
    "offset-out-of-range",
    `Cannot truncate "${topic}" before ${offset}: the next record will get offset ${nextOffset}; ` +
      "to remove all give --before end",
    { details: { offset, nextOffset } },
  );
}
