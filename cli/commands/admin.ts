/**
 * `admin`: how a server or a folder is, what its segments are, and compaction of many topics.
 *
 * @module
 */
import type { Backend, CompactResult, PartitionSegments, SegmentInfo } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { storeTotals } from "../../core/store_totals.ts";
import type { ShownSetting } from "../../server/exchange.ts";
import type { ServerStatus } from "../../server/status.ts";
import { compactionNote } from "../compaction_note.ts";
import { confirmed } from "../confirm.ts";
import { openToChange, openToRead, openUrl, placeOf } from "../connect.ts";
import { EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type { AdminCompactOptions, AdminOptions, AdminSegmentsOptions } from "../grammar/admin.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import { lockOwner } from "../lock_owner.ts";
import { type FolderStatus, writeStatus } from "../status_rows.ts";
import { writeRows } from "../table.ts";
import { formatBytes, formatCount } from "../units.ts";
import { writeSettings } from "../write_settings.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Shows how a server is, or what a folder holds and who owns it. */
export async function adminStatus(context: Context, { shaped }: AdminOptions): Promise<number> {
  const status = placeOf(context.at) === "a folder"
    ? await folderStatus(context)
    : await serverStatus(context);
  const { output } = context;
  if (shaped) await output.line(JSON.stringify({ jsonVersion: JSON_VERSION, ...status }));
  else await writeStatus(output, status);
  return EXIT_OK;
}

/** Shows the segments of a topic, partition by partition. */
export async function adminSegments(
  context: Context,
  { topic, shaped }: AdminSegmentsOptions,
): Promise<number> {
  const { output } = context;
  await using backend = await openToRead(context);
  const partitions = await segmentsOf(backend, topic);
  if (shaped) {
    await output.line(JSON.stringify({ version: JSON_VERSION, topic, partitions }));
    return EXIT_OK;
  }
  const [count, bytes] = output.isTerminal ? [formatCount, formatBytes] : [String, String];
  await writeRows(output, {
    headings: [
      "PARTITION",
      "BASE",
      "NEXT",
      "RECORDS",
      "BYTES",
      "GENERATION",
      "STATE",
      "FIRST",
      "LATEST",
    ],
    numeric: [0, 1, 2, 3, 4, 5],
    rows: partitions.flatMap(({ partition, segments }) =>
      segments.map((segment) => [
        String(partition),
        String(segment.baseOffset),
        String(segment.nextOffset),
        count(segment.records),
        bytes(segment.bytes),
        String(segment.generation),
        segment.isSealed ? "sealed" : "active",
        ...timesOf(segment),
      ])
    ),
  });
  return EXIT_OK;
}

/** Compacts topics, and says of each what went. */
export async function adminCompact(
  context: Context,
  { topics, yes, shaped }: AdminCompactOptions,
): Promise<number> {
  const { output } = context;
  await using backend = await openToChange(context);
  const all = await backend.listTopics();
  const isCompacted = (name: string) =>
    all.some((topic) => topic.name === name && topic.config.compaction === "keys");
  const names = topics.length > 0 ? topics : all.map(({ name }) => name).filter(isCompacted);
  if (names.length === 0) output.note("seglog: no topic is set to be compacted");
  const others = names.filter((name) => !isCompacted(name));
  const question = `Remove all records of ${
    others.join(", ")
  } that later ones with the same key replace?`;
  if (others.length > 0 && !yes && !await confirmed(context, question)) {
    output.note("seglog: nothing was removed");
    return EXIT_ERROR;
  }
  return await interruptible(context.io, async (signal) => {
    const done: CompactResult[] = [];
    try {
      for (const name of names) {
        const result = await backend.compact(name, { signal });
        done.push(result);
        if (!shaped) output.note(`seglog: ${name}: ${compactionNote(result)}`);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      return EXIT_INTERRUPTED;
    }
    if (shaped) await output.line(JSON.stringify({ version: JSON_VERSION, topics: done }));
    return EXIT_OK;
  });
}

/** Shows what a server that runs was told. */
export async function adminConfig(context: Context, { shaped }: AdminOptions): Promise<number> {
  const { at, output } = context;
  if (placeOf(at) === "a folder") {
    throw new UsageError(
      `${at} is a folder, and only a server that runs was told something: give --at http://…, or see seglog config show`,
    );
  }
  await using backend = await openUrl(context);
  const config = await backend.api.get<{ settings: ShownSetting[] }>("/v1/admin/config");
  if (shaped) await output.line(JSON.stringify({ jsonVersion: JSON_VERSION, ...config }));
  else await writeSettings(output, config.settings);
  return EXIT_OK;
}

async function serverStatus(context: Context): Promise<ServerStatus> {
  await using backend = await openUrl(context);
  return await backend.api.get<ServerStatus>("/v1/admin/status");
}

async function folderStatus(context: Context): Promise<FolderStatus> {
  await using backend = await openToRead(context);
  const owner = lockOwner(context.at) ?? null;
  return { folder: context.at, owner, ...await storeTotals(backend) };
}

async function segmentsOf(backend: Backend, topic: string): Promise<PartitionSegments[]> {
  if (backend.segments !== undefined) return await backend.segments(topic);
  throw new SeglogError("unsupported", `Cannot tell of the segments of "${topic}": there are none`);
}

function timesOf({ firstTimestampMs, maxTimestampMs }: SegmentInfo): [string, string] {
  const time = (ms: number | undefined) => ms === undefined ? "-" : new Date(ms).toISOString();
  return [time(firstTimestampMs), time(maxTimestampMs)];
}
