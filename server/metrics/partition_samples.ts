/**
 * What can be measured of partitions, and of groups that read them, when somebody looks: each sees
 * what is theirs.
 *
 * @module
 */
import { Counter, Gauge, Registry } from "prom-client";
import type { Backend, CompactionTotals, PartitionInfo } from "../../core/backend.ts";
import { METRIC_PARTITIONS_MAX } from "../limits.ts";

/** What somebody may look at of one tenant. */
export interface SampledView {
  /** Names the tenant; nothing for the one that has no name among the labels. */
  readonly tenant?: string | undefined;
  readonly backend: Pick<Backend, "listTopics" | "describeTopic" | "following">;
  /** Which of its topics. */
  readonly shows: (topic: string) => boolean;
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

/**
 * Measures now. Where there are very many partitions, or groups, some are left out;
 * `seglog_partitions` counts all.
 */
export async function partitionSamples(views: readonly SampledView[]): Promise<Registry> {
  const registry = new Registry();
  const meters = createMeters(registry);
  let left = METRIC_PARTITIONS_MAX;
  for (const view of views) {
    const topics = (await view.backend.listTopics()).filter(({ name }) => view.shows(name));
    const ofTenant = view.tenant === undefined ? {} : { tenant: view.tenant };
    meters.topics.set(ofTenant, topics.length);
    meters.partitions.set(ofTenant, topics.reduce((sum, { config }) => sum + config.partitions, 0));
    const lags = lagsOf(view.backend);
    const found = await measured(view.backend, topics.map(({ name }) => name), left);
    left -= found.length;
    for (const { topic, info } of found) {
      const { partition, compacted } = info;
      const labels = { ...ofTenant, topic, partition };
      for (const [gauge, measure] of meters.gauges) gauge.set(labels, info[measure]);
      const lag = lags.get(placeKey(topic, partition));
      if (lag !== undefined) meters.replicaLag.set(labels, lag);
      if (compacted === undefined) continue;
      for (const [counter, measure] of meters.compactions) counter.inc(labels, compacted[measure]);
    }
  }
  await addGroups(meters, views);
  return registry;
}

function createMeters(registry: Registry) {
  const registers = [registry];
  const labelNames = ["tenant", "topic", "partition"] as const;
  const ofTenant = (name: string, help: string) =>
    new Gauge({ name: `seglog_${name}`, help, labelNames: ["tenant"] as const, registers });
  return {
    topics: ofTenant("topics", "Topics that there are."),
    partitions: ofTenant("partitions", "Partitions of all topics, measured here or not."),
    gauges: GAUGES.map(([name, help, measure]) =>
      [new Gauge({ name: `seglog_${name}`, help, labelNames, registers }), measure] as const
    ),
    replicaLag: new Gauge({
      name: "seglog_replica_lag_records",
      help: "Offsets of a partition that its copy here does not have yet.",
      labelNames,
      registers,
    }),
    members: new Gauge({
      name: "seglog_group_members",
      help: "Members of a group.",
      labelNames: ["tenant", "group"] as const,
      registers,
    }),
    lag: new Gauge({
      name: "seglog_group_lag_records",
      help: "Offsets of a partition that a group has not committed yet.",
      labelNames: ["tenant", "group", "topic", "partition"] as const,
      registers,
    }),
    compactions: COMPACTIONS.map(([name, help, measure]) =>
      [new Counter({ name: `seglog_${name}`, help, labelNames, registers }), measure] as const
    ),
  };
}

/** How far partitions are behind what they are a copy of. */
function lagsOf({ following }: SampledView["backend"]): Map<string, number> {
  const partitions = following?.partitions ?? [];
  return new Map(partitions.map((each) => [placeKey(each.topic, each.partition), each.lag]));
}

function placeKey(topic: string, partition: number): string {
  return `${partition} ${topic}`;
}

async function addGroups(
  { members, lag }: ReturnType<typeof createMeters>,
  views: readonly SampledView[],
): Promise<void> {
  let left = METRIC_PARTITIONS_MAX;
  for (const { tenant, groups, shows } of views) {
    const ofTenant = tenant === undefined ? {} : { tenant };
    // What is wrong with groups keeps nobody from the other metrics.
    const all = await groups?.list().catch(() => []) ?? [];
    for (const { group, members: count } of all) {
      if (left <= 0) return;
      // A group may be removed while others are measured.
      const details = await groups!.describe(group).catch(() => undefined);
      const places = details?.partitions.filter(({ topic }) => shows(topic)) ?? [];
      if (places.length === 0) continue;
      members.set({ ...ofTenant, group }, count);
      for (const { topic, partition, lag: offsets } of places.slice(0, left)) {
        lag.set({ ...ofTenant, group, topic, partition }, offsets);
      }
      left -= places.length;
    }
  }
}

async function measured(
  backend: SampledView["backend"],
  topics: readonly string[],
  most: number,
): Promise<{ topic: string; info: PartitionInfo }[]> {
  const found: { topic: string; info: PartitionInfo }[] = [];
  for (const topic of topics) {
    if (found.length >= most) break;
    // A topic may be deleted while others are measured, and one that is damaged cannot be.
    const details = await backend.describeTopic(topic).catch(() => undefined);
    for (const info of details?.partitions ?? []) found.push({ topic, info });
  }
  return found.slice(0, most);
}
