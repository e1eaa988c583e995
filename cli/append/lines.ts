/**
 * `append` without VALUEs: every line of the input is a record.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { RECORD_BYTES_MAX } from "../../core/base/limits.ts";
import type { ShapedRecord } from "../../core/format/record_shape.ts";
import { partitionOf } from "../../core/partitioner.ts";
import { EXIT_INTERRUPTED, EXIT_OK } from "../exit.ts";
import type { AppendVerbOptions } from "../grammar/append.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import { countOf } from "../units.ts";
import { BatchStream } from "./batch_stream.ts";
import { chunksOf, openInput } from "./input.ts";
import { LineSplitter } from "./line_splitter.ts";
import { OffsetRuns } from "./offset_runs.ts";
import { Progress } from "./progress.ts";
import type { RecordSource } from "./record_source.ts";

const LINGER_MS_DEFAULT = 5;
/** A record as JSON may be longer than its bytes: base64, and escapes in text. */
const SHAPE_BYTES_MAX = 4 * RECORD_BYTES_MAX;
const IN_FLIGHT_MAX = 4;

/** Where lines go. */
export interface LinesTarget {
  readonly backend: Backend;
  readonly partitions: number;
  /** Whether records may go to more than one partition. */
  readonly isSpread: boolean;
  readonly source: RecordSource;
}

/** Appends lines as they come; prints where they went when the input has ended. */
export async function appendLines(
  context: Context,
  options: AppendVerbOptions,
  target: LinesTarget,
): Promise<number> {
  const { io, output } = context;
  const input = openInput(context, options.input);
  const progress = new Progress(output, output.isStderrTerminal && !input.isTyped);
  const runs = new OffsetRuns({
    namesPartition: target.isSpread,
    line: (run) => output.line(run),
  });
  const stream = new BatchStream(target.backend, {
    topic: options.topic,
    sync: options.sync,
    expectedOffset: options.ifOffset,
    lingerMs: options.lingerMs ?? LINGER_MS_DEFAULT,
    // Over HTTP two requests may overtake each other.
    inFlightMax: target.backend.capabilities.kind === "http" ? 1 : IN_FLIGHT_MAX,
    async onAcknowledged(result, { records, bytes }) {
      progress.add(records.length, bytes);
      await runs.add(result);
    },
  });
  return await interruptible(io, async (signal) => {
    const failure = await fill(stream, chunksOf(input.stream, signal), { options, target, signal });
    progress.clear();
    const appended = progress.records === 0
      ? "nothing was appended"
      : `${countOf(progress.records, "record")} before it ${
        progress.records === 1 ? "was" : "were"
      } appended: ${runs}`;
    await runs.finish();
    if (failure !== undefined) throw withProgress(failure.error, appended);
    if (signal.aborted) {
      output.note(`seglog: interrupted; ${countOf(progress.records, "record")} acknowledged`);
      return EXIT_INTERRUPTED;
    }
    if (progress.records === 0) output.note("seglog: the input is empty, nothing was appended");
    return EXIT_OK;
  });
}

/** Feeds the stream and waits for it to settle, whatever happens to either. */
async function fill(
  stream: BatchStream,
  chunks: AsyncIterable<Uint8Array>,
  { options, target, signal }: {
    options: AppendVerbOptions;
    target: LinesTarget;
    signal: AbortSignal;
  },
): Promise<{ error: unknown } | undefined> {
  const splitter = new LineSplitter(options.shaped ? SHAPE_BYTES_MAX : RECORD_BYTES_MAX);
  const add = (line: Uint8Array) => {
    const shaped = recordOf(line, splitter.count, target.source);
    return stream.add(shaped.record, partitionFor(shaped, options.partition, target));
  };
  let failure: { error: unknown } | undefined;
  try {
    for await (const chunk of chunks) {
      for (const line of splitter.push(chunk)) {
        const keepingUp = add(line);
        if (keepingUp !== undefined) await keepingUp;
        if (signal.aborted) break;
      }
      if (signal.aborted) break;
    }
    const last = signal.aborted ? undefined : splitter.finish();
    if (last !== undefined) await add(last);
  } catch (error) {
    failure = { error };
  }
  try {
    // After a bad line those before it are still sent; after an interrupt only what is under way.
    if (signal.aborted) await stream.stop();
    else await stream.finish();
  } catch (error) {
    failure ??= { error };
  }
  return failure;
}

function recordOf(line: Uint8Array, number: number, source: RecordSource): ShapedRecord {
  try {
    return source(line);
  } catch (cause) {
    throw new SeglogError("invalid-record", `Cannot append line ${number}: ${messageOf(cause)}`, {
      cause,
      details: { line: number },
    });
  }
}

function partitionFor(
  { record, partition }: ShapedRecord,
  chosen: number | undefined,
  { partitions }: LinesTarget,
): number | undefined {
  const { key } = record;
  if (chosen !== undefined) return chosen;
  if (partition !== undefined) return partition;
  return key === undefined || key === null ? undefined : partitionOf(key, partitions);
}

/** The same error, and how much was appended before it. */
function withProgress(error: unknown, appended: string): unknown {
  if (!(error instanceof SeglogError)) return error;
  return new SeglogError(error.code, `${error.message}; ${appended}`, {
    cause: error,
    details: error.details,
  });
}
