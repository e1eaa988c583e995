/**
 * `info`: what a store or a topic holds.
 *
 * @module
 */
import type { PartitionInfo, TopicDetails } from "../../core/backend.ts";
import type { TopicConfig } from "../../core/topic_config.ts";
import { compressionRatio } from "../compression_ratio.ts";
import { openToRead } from "../connect.ts";
import { EXIT_OK } from "../exit.ts";
import type { InfoVerbOptions } from "../grammar/maintain.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { writeRows } from "../table.ts";
import { formatBytes, formatCount, formatDuration } from "../units.ts";
import { shownTopics } from "../shown_topics.ts";
import { withoutLogins } from "../without_logins.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Describes one topic, or all of them. */
export async function info(context: Context, options: InfoVerbOptions): Promise<number> {
  const { at, output } = context;
  await using backend = await openToRead(context);
  if (options.topic !== undefined) {
    const details = await backend.describeTopic(options.topic);
    const ratio = await compressionRatio(backend, details);
    const compression = ratio === undefined ? {} : { compressionRatio: rounded(ratio) };
    const shape = { version: JSON_VERSION, ...details, ...compression };
    if (options.shaped) await output.line(JSON.stringify(shape));
    else await writeTopic(output, details, ratio);
    return EXIT_OK;
  }
  const topics: TopicDetails[] = [];
  for (const { name } of await shownTopics(backend)) topics.push(await backend.describeTopic(name));
  const { epoch, follows } = backend;
  if (options.shaped) {
    const followed = follows === undefined ? {} : { follows: follows.source };
    const shape = { version: JSON_VERSION, at: withoutLogins(at), epoch, ...followed, topics };
    await output.line(JSON.stringify(shape));
    return EXIT_OK;
  }
  await writeStore(output, topics, at);
  if (follows !== undefined) {
    output.note(`seglog: ${at} follows ${follows.source}, epoch ${epoch}`);
  }
  return EXIT_OK;
}

async function writeStore(output: Output, topics: TopicDetails[], at: string): Promise<void> {
  if (topics.length === 0) output.note(`seglog: ${at} has no topics`);
  const show = amounts(output);
  await writeRows(output, {
    headings: ["TOPIC", "PARTITIONS", "RECORDS", "BYTES", "SEGMENTS"],
    numeric: [1, 2, 3, 4],
    rows: topics.map(({ name, partitions }) => [
      name,
      show.count(partitions.length),
      show.count(sum(partitions, ({ records }) => records)),
      show.bytes(sum(partitions, ({ bytes }) => bytes)),
      show.count(sum(partitions, ({ segments }) => segments)),
    ]),
  });
}

async function writeTopic(
  output: Output,
  details: TopicDetails,
  ratio: number | undefined,
): Promise<void> {
  const { config, partitions } = details;
  const show = amounts(output);
  await writeRows(output, {
    headings: ["SETTING", "VALUE"],
    rows: [
      ["name", details.name],
      ["id", details.id],
      ...settingRows(config),
      ...ratio === undefined ? [] : [["compression-ratio", String(rounded(ratio))]],
    ],
  });
  await output.write("\n");
  await writeRows(output, {
    headings: ["PARTITION", "START", "NEXT", "DURABLE", "RECORDS", "BYTES", "SEGMENTS"],
    numeric: [0, 1, 2, 3, 4, 5, 6],
    rows: partitions.map((partition) => [
      show.count(partition.partition),
      show.count(partition.logStartOffset),
      show.count(partition.nextOffset),
      show.count(partition.durableOffset),
      show.count(partition.records),
      show.bytes(partition.bytes),
      show.count(partition.segments),
    ]),
  });
}

/** The settings by the names of their flags, values as the flags take them. */
export function settingRows(config: TopicConfig): [flag: string, value: string][] {
  return [
    ["partitions", String(config.partitions)],
    ["segment-bytes", String(config.segmentBytes)],
    ["segment-age", formatDuration(config.segmentAgeMs)],
    ["retention-age", config.retentionMs === null ? "none" : formatDuration(config.retentionMs)],
    ["retention-bytes", String(config.retentionBytes ?? "none")],
    ["retention-records", String(config.retentionRecords ?? "none")],
    ["sync", config.sync],
    ["compression", config.compression],
    ["compaction", config.compaction],
    ["garbage-ratio", String(config.garbageRatio)],
    ["tombstone-age", formatDuration(config.tombstoneMs)],
  ];
}

function rounded(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

/** Numbers for people on a terminal, for programs elsewhere. */
function amounts(output: Output): { count(n: number): string; bytes(n: number): string } {
  return output.isTerminal
    ? { count: formatCount, bytes: formatBytes }
    : { count: String, bytes: String };
}

function sum(partitions: readonly PartitionInfo[], measure: (info: PartitionInfo) => number) {
  return partitions.reduce((total, partition) => total + measure(partition), 0);
}
