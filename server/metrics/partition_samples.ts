/**
 * What can be measured of partitions, and of groups that read them, when somebody looks: each sees
 * what is theirs.
 *
 * @module
 */
import { Counter, Gauge, Registry } from "prom-client";
import type { Backend, CompactionTotals, PartitionInfo } from "../../core/backend.ts";
import { METRIC_PARTITIONS_MAX } from "../limits.ts";

/** What somebody may look at. */
export interface SampledView {
  readonly backend: Pick<Backend, "listTopics" | "describeTopic">;
  /** Which of its topics; all unless given. */
  readonly shows?: (topic: string) => boolean;
  readonly groups?: SampledGroups;
}

/** Groups that share partitions, as far as they are measured. */
export interface SampledGroups {
  list(): Promise<readonly { readonly group: string; readonly members: number }[]>;
  describe(group: string): Promise<{ readonly partitions: readonly GroupPlace[] }>;
}

interface GroupPlace {
  readonly topic: string;
  readonly partition: number;
  readonly lag: number;
}

type Measure = "logStartOffset" | "durableOffset" | "nextOffset" | "bytes" | "segments" | "records";

const GAUGES: readonly [name: string, help: string, Measure][] = [
  ["log_start_offset", "First offset that can be read.", "logStartOffset"],
  ["durable_offset", "Everything below survives a loss of power.", "durableOffset"],
  ["next_offset", "The offset that the next record gets.", "nextOffset"],
  ["partition_records", "Records of a partition that can be read.", "records"],
  ["partition_bytes", "Bytes of a partition's segments.", "bytes"],
  ["partition_segments", "Segments of a partition.", "segments"],
];

const COMPACTIONS: readonly [name: string, help: string, keyof CompactionTotals][] = [
  ["compactions_total", "Compactions that removed something.", "runs"],
  ["compacted_records_total", "Records that compaction removed.", "records"],
  ["compacted_bytes_total", "Bytes that compaction gave back.", "bytes"],
];

/** Measures now. What has many partitions is measured in part, and `seglog_partitions` tells of all. */
export async function partitionSamples(view: SampledView): Promise<Registry> {
  const registry = new Registry();
  const registers = [registry];
  const all = await view.backend.listTopics();
  const topics = all.filter(({ name }) => view.shows?.(name) ?? true);
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `seglog_${name}`, help, registers });
  gauge("topics", "Topics that there are.").set(topics.length);
  gauge("partitions", "Partitions of all topics, measured here or not.")
    .set(topics.reduce((sum, { config }) => sum + config.partitions, 0));
  const found = await measured(view.backend, topics.map(({ name }) => name));
  const labelNames = ["topic", "partition"] as const;
  for (const [name, help, measure] of GAUGES) {
    const meter = new Gauge({ name: `seglog_${name}`, help, labelNames, registers });
    for (const { topic, info } of found) {
      meter.set({ topic, partition: info.partition }, info[measure]);
    }
  }
  for (const [name, help, measure] of COMPACTIONS) {
    const meter = new Counter({ name: `seglog_${name}`, help, labelNames, registers });
    for (const { topic, info: { partition, compacted } } of found) {
      if (compacted !== undefined) meter.inc({ topic, partition }, compacted[measure]);
    }
  }
  await addGroups(view, registry);
  return registry;
}

async function addGroups({ groups, shows }: SampledView, registry: Registry): Promise<void> {
  const registers = [registry];
  const members = new Gauge({
    name: "seglog_group_members",
    help: "Members of a group.",
    labelNames: ["group"] as const,
    registers,
  });
  const lag = new Gauge({
    name: "seglog_group_lag_records",
    help: "Offsets of a partition that a group has not committed yet.",
    labelNames: ["group", "topic", "partition"] as const,
    registers,
  });
  let left = METRIC_PARTITIONS_MAX;
  for (const { group, members: count } of await groups?.list() ?? []) {
    // A group may be removed while others are measured.
    const details = await groups!.describe(group).catch(() => undefined);
    const places = details?.partitions.filter(({ topic }) => shows?.(topic) ?? true) ?? [];
    if (places.length === 0) continue;
    if (left <= 0) return;
    members.set({ group }, count);
    for (const { topic, partition, lag: offsets } of places.slice(0, left)) {
      lag.set({ group, topic, partition }, offsets);
    }
    left -= places.length;
  }
}

async function measured(
  backend: SampledView["backend"],
  topics: readonly string[],
): Promise<{ topic: string; info: PartitionInfo }[]> {
  const found: { topic: string; info: PartitionInfo }[] = [];
  for (const topic of topics) {
    // A topic may be deleted while others are measured.
    const details = await backend.describeTopic(topic).catch(() => undefined);
    for (const info of details?.partitions ?? []) found.push({ topic, info });
    if (found.length >= METRIC_PARTITIONS_MAX) break;
  }
  return found.slice(0, METRIC_PARTITIONS_MAX);
}
