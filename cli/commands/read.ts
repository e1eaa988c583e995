/**
 * `read`: the records of a topic.
 *
 * @module
 */
import type { SelectorRange } from "../../core/offset_range.ts";
import { openToRead } from "../connect.ts";
import { EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type { ReadVerbOptions } from "../grammar/read.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import { waitForMinOffset } from "../read/min_offset.ts";
import { partitionsOf, resolveRange } from "../read/partition_ranges.ts";
import { RecordStream } from "../read/record_stream.ts";
import { recordPrinter } from "../record_format.ts";

const EVERYTHING: SelectorRange = { from: { kind: "start" }, until: undefined };

/** Writes records to standard output. */
export async function read(context: Context, options: ReadVerbOptions): Promise<number> {
  const { topic, follow, group, range = EVERYTHING } = options;
  if (follow && options.reverse) throw new UsageError("give --follow or --reverse, not both");
  const print = recordPrinter(options);
  if (group !== undefined) {
    if (options.minOffset !== undefined) {
      throw new UsageError("give --group or --min-offset, not both: a group waits for what comes");
    }
    const { readGroup } = await import("../read/group_read.ts");
    return await readGroup(context, { ...options, group, print });
  }
  await using backend = await openToRead(context);
  const stream = new RecordStream(backend, context.output, { ...options, print });
  const partitions = await partitionsOf(backend, topic, options.partition);
  await waitForMinOffset(backend, { topic, partitions }, options);
  const ranges = await resolveRange(backend, topic, { partitions, range, follow });
  if (!follow) {
    await stream.inTurn(ranges);
    return EXIT_OK;
  }
  return await interruptible(context.io, async (signal) => {
    await stream.following(ranges, signal);
    return signal.aborted ? EXIT_INTERRUPTED : EXIT_OK;
  });
}
