/**
 * `tail`: the last records of a topic, and those that follow.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { ChunkWriter } from "../chunk_writer.ts";
import { openToRead } from "../connect.ts";
import { EXIT_INTERRUPTED, EXIT_OK } from "../exit.ts";
import type { TailVerbOptions } from "../grammar/read.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import { lostNotes } from "../read/lost_notes.ts";
import { type ClosedRange, mergedByTime, newestRanges } from "../read/merge.ts";
import { waitForMinOffset } from "../read/min_offset.ts";
import { partitionsOf } from "../read/partition_ranges.ts";
import { RecordStream } from "../read/record_stream.ts";
import { recordPrinter } from "../record_format.ts";

/** Writes the newest records to standard output, and with `follow` what comes then. */
export async function tail(context: Context, options: TailVerbOptions): Promise<number> {
  const { topic, follow, max } = options;
  const { output } = context;
  const print = recordPrinter(options);
  await using backend = await openToRead(context);
  const partitions = await partitionsOf(backend, topic, options.partition);
  await waitForMinOffset(backend, { topic, partitions }, options);
  const whole = await Promise.all(partitions.map((p) => wholeRange(backend, topic, p)));

  const ranges = await newestRanges(backend, topic, { ranges: whole, count: max });
  const writer = new ChunkWriter(output);
  const onLost = lostNotes(output, topic);
  for await (const { partition, record } of mergedByTime(backend, topic, { ranges, onLost })) {
    print({ topic, partition, record }, writer);
    if (writer.isFull) await writer.drain();
  }
  await writer.flush();
  if (!follow) return EXIT_OK;

  const stream = new RecordStream(backend, output, { topic, print });
  const ends = whole.map(({ partition, until }) => ({ partition, from: until, until: undefined }));
  return await interruptible(context.io, async (signal) => {
    await stream.following(ends, signal);
    return signal.aborted ? EXIT_INTERRUPTED : EXIT_OK;
  });
}

async function wholeRange(
  backend: Backend,
  topic: string,
  partition: number,
): Promise<ClosedRange> {
  const { logStartOffset, nextOffset } = await backend.bounds(topic, partition);
  return { partition, from: logStartOffset, until: nextOffset };
}
