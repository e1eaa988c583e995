/**
 * `kv get`, `ls`, `range`, `history`, `watch` and `stats`.
 *
 * @module
 */
import type { KvChange } from "../../core/kv/kv_entry.ts";
import { noValue } from "./no_value.ts";
import { ChunkWriter } from "../chunk_writer.ts";
import { openToRead } from "../connect.ts";
import { EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type {
  KvGetOptions,
  KvHistoryVerbOptions,
  KvLsOptions,
  KvRangeOptions,
  KvStatsOptions,
  KvWatchVerbOptions,
} from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { interruptible } from "../io.ts";
import { Kv } from "../../core/kv/kv.ts";
import { hasBucket, openBucketTopic } from "../../core/kv/bucket_topic.ts";
import { keyHistory, watchKeys } from "../../core/kv/kv_changes.ts";
import { lookUp } from "../../core/kv/look_up.ts";
import { writeRows } from "../table.ts";
import { formatBytes, formatCount } from "../units.ts";
import { minRevisionAsOffset, waitForMinOffset } from "../read/min_offset.ts";
import { ofBucket, readingBucket } from "./open_bucket.ts";
import { lineOf, printChange, printEntry, printEntryValue, ShapePrinter } from "./print.ts";

/** Prints the value of a key. */
export async function getKey(context: Context, options: KvGetOptions): Promise<number> {
  const { bucket, key, revision, raw, shaped } = options;
  if (raw && shaped) throw new UsageError("give --raw or -J, not both");
  await using backend = await openToRead(context);
  await waitForMinOffset(backend, ofBucket(bucket), minRevisionAsOffset(options));
  if (!await hasBucket(backend, bucket)) throw noValue(key, bucket);
  // Of one key, an index of all would be too much.
  const entry = await lookUp(backend, bucket, { key, revision });
  if (entry === undefined) throw noValue(key, bucket);
  const writer = new ChunkWriter(context.output);
  if (shaped) new ShapePrinter(bucket).entry(entry, writer);
  else if (raw) writer.bytes(entry.value);
  else printEntryValue(entry, writer);
  await writer.flush();
  return EXIT_OK;
}

/** Prints keys. */
export async function listKeys(context: Context, options: KvLsOptions): Promise<number> {
  const { bucket, prefix = "", max = Infinity, reverse, shaped } = options;
  const shown = keyShown(context.output);
  const writer = new ChunkWriter(context.output);
  await readingBucket(context, bucket, {
    ...minRevisionAsOffset(options),
    async use(kv) {
      for await (const key of kv.keys({ prefix, limit: max, reverse })) {
        writer.text(`${shaped ? JSON.stringify(key) : shown(key)}\n`);
        if (writer.isFull) await writer.drain();
      }
    },
    none() {},
  });
  await writer.flush();
  return EXIT_OK;
}

/** Prints keys with their values. */
export async function readRange(context: Context, options: KvRangeOptions): Promise<number> {
  const { bucket, shaped, max = Infinity, start, end, prefix = "", reverse } = options;
  const shown = keyShown(context.output);
  const writer = new ChunkWriter(context.output);
  const shapes = new ShapePrinter(bucket);
  const range = {
    ...{ prefix, reverse, limit: max },
    ...start === undefined ? {} : { start },
    ...end === undefined ? {} : { end },
  };
  await readingBucket(context, bucket, {
    ...minRevisionAsOffset(options),
    async use(kv) {
      for await (const entry of kv.list(range)) {
        if (shaped) shapes.entry(entry, writer);
        else printEntry(entry, shown(entry.key), writer);
        if (writer.isFull) await writer.drain();
      }
    },
    none() {},
  });
  await writer.flush();
  return EXIT_OK;
}

/** Prints what was written of a key. */
export async function readHistory(
  context: Context,
  options: KvHistoryVerbOptions,
): Promise<number> {
  const { bucket, key, max = Infinity, reverse, shaped } = options;
  const writer = new ChunkWriter(context.output);
  const shapes = new ShapePrinter(bucket);
  let count = 0;
  await using backend = await openToRead(context);
  if (await hasBucket(backend, bucket)) {
    const { nextOffset: end } = await backend.bounds(bucket);
    const options = { limit: max, reverse };
    for await (const change of keyHistory({ backend, topic: bucket, end }, key, options)) {
      count++;
      if (shaped) shapes.change(change, writer);
      else printChange(change, new Date(timestampOf(change)).toISOString(), writer);
      if (writer.isFull) await writer.drain();
    }
  }
  await writer.flush();
  if (count === 0 && max > 0) throw noValue(key, bucket);
  return EXIT_OK;
}

/** Prints changes as they come, until interrupted. */
export async function watchBucket(context: Context, options: KvWatchVerbOptions): Promise<number> {
  const { bucket, key, prefix = "", from, max = Infinity, shaped } = options;
  if (key !== undefined && prefix !== "") {
    throw new UsageError("give a KEY or a --prefix, not both");
  }
  const shown = keyShown(context.output);
  const writer = new ChunkWriter(context.output);
  const shapes = new ShapePrinter(bucket);
  await using backend = await openToRead(context);
  const { partitions } = await openBucketTopic(backend, bucket, false);
  const end = partitions[0]!.nextOffset;
  return await interruptible(context.io, async (signal) => {
    const range = { signal, ...from === undefined ? {} : { from } };
    let left = max;
    const source = { backend, topic: bucket, end };
    for await (const change of watchKeys(source, key ?? { prefix }, range)) {
      if (left-- <= 0) break;
      if (shaped) shapes.change(change, writer);
      else printChange(change, shown(change.key), writer);
      await writer.flush();
      if (left === 0) break;
    }
    return signal.aborted ? EXIT_INTERRUPTED : EXIT_OK;
  });
}

/** Shows what a bucket holds. */
export async function showStats(context: Context, options: KvStatsOptions): Promise<number> {
  const { bucket, shaped } = options;
  const { output } = context;
  await using backend = await openToRead(context);
  await using kv = await Kv.open(backend, bucket, { create: false });
  const stats = await kv.stats();
  if (shaped) {
    await output.line(JSON.stringify({ version: 1, bucket, ...stats }));
    return EXIT_OK;
  }
  const { keys, valueBytes, revision, indexBytes, records, logBytes, segments } = stats;
  await writeRows(output, {
    headings: ["MEASURE", "VALUE"],
    numeric: [1],
    rows: [
      ["keys", formatCount(keys)],
      ["values", formatBytes(valueBytes)],
      ["revision", String(revision)],
      ["records", formatCount(records)],
      ["log", formatBytes(logBytes)],
      ["segments", formatCount(segments)],
      ["index in memory", formatBytes(indexBytes)],
    ],
  });
  return EXIT_OK;
}

/** How keys are written: as they are, but for what would do something to a terminal. */
function keyShown({ isTerminal }: Output): (key: string) => string {
  return isTerminal ? lineOf : (key) => key;
}

function timestampOf(change: KvChange): number {
  return change.kind === "set" ? change.entry.timestamp : change.timestamp;
}
