/**
 * `topic create`, `ls`, `set` and `rm`.
 *
 * @module
 */
import type { TopicConfig } from "../../core/topic_config.ts";
import { confirmed } from "../confirm.ts";
import { openToChange, openToRead, openToWrite } from "../connect.ts";
import { EXIT_ERROR, EXIT_OK, UsageError } from "../exit.ts";
import type {
  TopicCreateOptions,
  TopicLsOptions,
  TopicRmOptions,
  TopicSetOptions,
} from "../grammar/topic.ts";
import type { Context } from "../grammar/verb.ts";
import { shownTopics } from "../shown_topics.ts";
import { writeRows } from "../table.ts";
import { countOf, formatDuration } from "../units.ts";

/** Makes a topic, or finds that it is there. */
export async function createTopic(context: Context, options: TopicCreateOptions): Promise<number> {
  const { topic, ...settings } = options;
  await using backend = await openToWrite(context);
  const made = await backend.ensureTopic(topic, given(settings));
  const { partitions } = made.topic.config;
  context.output.note(
    made.created
      ? `seglog: created "${topic}" with ${countOf(partitions, "partition")}`
      : `seglog: "${topic}" is there already`,
  );
  return EXIT_OK;
}

/** Lists the topics. */
export async function listTopics(context: Context, { shaped }: TopicLsOptions): Promise<number> {
  const { output } = context;
  await using backend = await openToRead(context);
  const topics = await shownTopics(backend);
  if (shaped) {
    for (const topic of topics) await output.line(JSON.stringify({ version: 1, ...topic }));
  } else if (!output.isTerminal) {
    for (const { name } of topics) await output.line(name);
  } else if (topics.length === 0) output.note(`seglog: ${context.at} has no topics`);
  else {
    await writeRows(output, {
      headings: ["TOPIC", "PARTITIONS", "RETENTION", "SYNC", "COMPRESSION"],
      numeric: [1],
      rows: topics.map(({ name, config }) => [
        name,
        String(config.partitions),
        retention(config),
        config.sync,
        config.compression,
      ]),
    });
  }
  return EXIT_OK;
}

/** Changes settings of a topic. */
export async function setTopic(context: Context, options: TopicSetOptions): Promise<number> {
  const { topic, ...settings } = options;
  const changes = given(settings);
  if (Object.keys(changes).length === 0) {
    throw new UsageError("say what to change, as in: seglog topic set orders --retention-age 7d");
  }
  await using backend = await openToChange(context);
  await backend.configureTopic(topic, changes);
  context.output.note(`seglog: changed "${topic}"`);
  return EXIT_OK;
}

/** Removes a topic, asking first unless told not to. */
export async function removeTopic(context: Context, options: TopicRmOptions): Promise<number> {
  const { topic, yes } = options;
  const { output } = context;
  await using backend = await openToChange(context);
  const { partitions } = await backend.describeTopic(topic);
  const records = partitions.reduce((sum, info) => sum + info.records, 0);
  const question = `Remove "${topic}" with ${countOf(records, "record")}?`;
  if (!yes && !await confirmed(context, question)) {
    output.note("seglog: nothing was removed");
    return EXIT_ERROR;
  }
  await backend.deleteTopic(topic);
  output.note(`seglog: removed "${topic}" with ${countOf(records, "record")}`);
  return EXIT_OK;
}

/** The settings that were given; those that were not stay as they are. */
function given(settings: { readonly [Name in keyof TopicConfig]?: TopicConfig[Name] }) {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<TopicConfig>;
}

function retention(config: TopicConfig): string {
  const limits: string[] = [];
  if (config.retentionMs !== null) limits.push(formatDuration(config.retentionMs));
  if (config.retentionBytes !== null) limits.push(countOf(config.retentionBytes, "byte"));
  if (config.retentionRecords !== null) limits.push(countOf(config.retentionRecords, "record"));
  return limits.length === 0 ? "none" : limits.join(", ");
}
