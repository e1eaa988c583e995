/**
 * `append`: records from words, from lines, or from a whole input.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { formatOffsets } from "../append/offset_runs.ts";
import { openInput, wholeInput } from "../append/input.ts";
import { appendLines } from "../append/lines.ts";
import { recordSource } from "../append/record_source.ts";
import type { Backend } from "../../core/backend.ts";
import { isNotFound, messageOf, SeglogError } from "../../core/base/errors.ts";
import type { ShapedRecord } from "../../core/format/record_shape.ts";
import { openToWrite } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { AppendVerbOptions } from "../grammar/append.ts";
import type { Context } from "../grammar/verb.ts";

/** Appends, and prints the offsets that the records got. */
export async function append(context: Context, options: AppendVerbOptions): Promise<number> {
  const source = recordSource(options);
  const values = options.values.length === 1 && options.values[0] === "-" ? [] : options.values;
  if (values.length > 0 && options.input !== undefined) {
    throw new UsageError("give VALUEs or --input, not both");
  }
  const given = values.map((value, index) => shapedValue(source, value, index));

  await using backend = await openToWrite(context);
  const partitions = await partitionCount(backend, options.topic);
  const isSpread = partitions > 1 && options.partition === undefined;
  if (isSpread && options.ifOffset !== undefined) {
    throw new UsageError(
      `--if-offset needs -p: "${options.topic}" has ${partitions} partitions, each with offsets of its own`,
    );
  }
  if (given.length > 0) return await appendOnce(context, options, { backend, isSpread, given });
  if (options.format === "raw") {
    const value = await wholeInput(openInput(context, options.input).stream);
    return await appendOnce(context, options, { backend, isSpread, given: [source(value)] });
  }
  return await appendLines(context, options, { backend, partitions, isSpread, source });
}

/** Appends records as one batch, all or nothing. */
async function appendOnce(
  { output }: Context,
  options: AppendVerbOptions,
  { backend, isSpread, given }: { backend: Backend; isSpread: boolean; given: ShapedRecord[] },
): Promise<number> {
  const records = given.map(({ record }) => record);
  const result = await backend.append(options.topic, records, {
    partition: options.partition ?? commonPlace(given),
    expectedOffset: options.ifOffset,
    sync: options.sync,
  });
  await output.line(`${isSpread ? `${result.partition} ` : ""}${formatOffsets(result)}`);
  return EXIT_OK;
}

/** Partitions of a topic; a topic that is not there yet is made with one. */
async function partitionCount(backend: Backend, topic: string): Promise<number> {
  try {
    return (await backend.describeTopic(topic)).config.partitions;
  } catch (error) {
    if (isNotFound(error)) return 1;
    throw error;
  }
}

function shapedValue(
  source: (line: Uint8Array) => ShapedRecord,
  value: string,
  index: number,
): ShapedRecord {
  try {
    return source(Buffer.from(value));
  } catch (cause) {
    const message = `Cannot append value ${index + 1}: ${messageOf(cause)}`;
    throw new SeglogError("invalid-record", message, { cause });
  }
}

/** The partition that the records name, when they agree. */
function commonPlace(given: readonly ShapedRecord[]): number | undefined {
  const places = new Set(given.map(({ partition }) => partition));
  if (places.size <= 1) return given[0]?.partition;
  throw new SeglogError(
    "invalid-argument",
    "Cannot append values of different partitions as one batch: append them separately",
  );
}
