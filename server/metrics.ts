/**
 * What the server counts, for Prometheus and for people.
 *
 * @module
 */
import process from "node:process";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Backend, CompactionTotals, PartitionInfo } from "../core/backend.ts";
import { METRIC_PARTITIONS_MAX } from "./limits.ts";

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** The meters of one server, in a registry of its own. */
export class Metrics {
  readonly #backend: Backend;
  readonly #registry: Registry = new Registry();
  readonly #partitionGauges: readonly PartitionGauge[];
  readonly #compactions: readonly CompactionCounter[];
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #seconds: Histogram<"method" | "route">;
  readonly #appended: Counter;
  readonly #read: Counter;
  readonly #quotaRefusals: Counter<"tenant" | "quota">;
  readonly #followers: Gauge;

  constructor(backend: Backend) {
    this.#backend = backend;
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "seglog_http_requests_total",
      help: "Requests that were answered, by the status of the answer.",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "seglog_http_request_seconds",
      help: "Time until the head of the answer was ready; waiting for records included.",
      labelNames: ["method", "route"],
      buckets: SECONDS,
      registers,
    });
    this.#appended = new Counter({
      name: "seglog_appended_records_total",
      help: "Records that were appended over HTTP.",
      registers,
    });
    this.#read = new Counter({
      name: "seglog_read_records_total",
      help: "Records that were sent over HTTP.",
      registers,
    });
    this.#quotaRefusals = new Counter({
      name: "seglog_quota_refusals_total",
      help: "What was refused because a tenant has had enough.",
      labelNames: ["tenant", "quota"],
      registers,
    });
    this.#followers = new Gauge({
      name: "seglog_followers",
      help: "Event streams that are open.",
      registers,
    });
    addProcessGauges(registers);
    this.#partitionGauges = partitionGauges(registers);
    this.#compactions = compactionCounters(registers);
  }

  /** All meters in the text format of Prometheus. */
  async text(): Promise<string> {
    await this.#measurePartitions();
    return await this.#registry.metrics();
  }

  /** The media type of {@linkcode Metrics.text}. */
  get textType(): string {
    return this.#registry.contentType;
  }

  /** All meters as JSON values. */
  async json(): Promise<unknown> {
    await this.#measurePartitions();
    return await this.#registry.getMetricsAsJSON();
  }

  /** Counts one request that was answered after `seconds`. */
  answered(route: { method: string; path: string }, status: number, seconds: number): void {
    const { method, path } = route;
    this.#requests.inc({ method, route: path, status });
    this.#seconds.observe({ method, route: path }, seconds);
  }

  /** Counts records that were appended. */
  appended(records: number): void {
    this.#appended.inc(records);
  }

  /** Counts records that were sent. */
  sent(records: number): void {
    this.#read.inc(records);
  }

  /** Counts what was refused because a tenant has had enough. */
  quotaRefused(tenant: string, quota: string): void {
    this.#quotaRefusals.inc({ tenant, quota });
  }

  /** Counts an event stream until the returned function is called. */
  follower(): () => void {
    this.#followers.inc();
    return () => this.#followers.dec();
  }

  async #measurePartitions(): Promise<void> {
    const partitions = await partitionsOf(this.#backend);
    for (const [gauge, measure] of this.#partitionGauges) {
      gauge.reset();
      for (const { topic, info } of partitions) {
        gauge.set({ topic, partition: info.partition }, info[measure]);
      }
    }
    for (const [counter, measure] of this.#compactions) {
      counter.reset();
      for (const { topic, info: { partition, compacted } } of partitions) {
        if (compacted !== undefined) counter.inc({ topic, partition }, compacted[measure]);
      }
    }
  }
}

function addProcessGauges(registers: Registry[]): void {
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process.",
    registers,
    collect() {
      this.set(process.memoryUsage().rss);
    },
  });
  new Gauge({
    name: "process_uptime_seconds",
    help: "Time since the process started.",
    registers,
    collect() {
      this.set(process.uptime());
    },
  });
}

type Measure = "logStartOffset" | "durableOffset" | "nextOffset" | "bytes" | "segments";
type PartitionGauge = readonly [Gauge<"topic" | "partition">, Measure];

function partitionGauges(registers: Registry[]): PartitionGauge[] {
  const labelNames = ["topic", "partition"] as const;
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  return [
    [gauge("seglog_log_start_offset", "First offset that can be read."), "logStartOffset"],
    [gauge("seglog_durable_offset", "Everything below survives a loss of power."), "durableOffset"],
    [gauge("seglog_next_offset", "The offset that the next record gets."), "nextOffset"],
    [gauge("seglog_partition_bytes", "Bytes of a partition's segments."), "bytes"],
    [gauge("seglog_partition_segments", "Segments of a partition."), "segments"],
  ];
}

type CompactionCounter = readonly [Counter<"topic" | "partition">, keyof CompactionTotals];

function compactionCounters(registers: Registry[]): CompactionCounter[] {
  const labelNames = ["topic", "partition"] as const;
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames, registers });
  return [
    [counter("seglog_compactions_total", "Compactions that removed something."), "runs"],
    [counter("seglog_compacted_records_total", "Records that compaction removed."), "records"],
    [counter("seglog_compacted_bytes_total", "Bytes that compaction gave back."), "bytes"],
  ];
}

async function partitionsOf(backend: Backend): Promise<{ topic: string; info: PartitionInfo }[]> {
  const found: { topic: string; info: PartitionInfo }[] = [];
  for (const { name } of await backend.listTopics()) {
    // A topic may be deleted while others are measured.
    const details = await backend.describeTopic(name).catch(() => undefined);
    for (const info of details?.partitions ?? []) found.push({ topic: name, info });
    if (found.length >= METRIC_PARTITIONS_MAX) break;
  }
  return found.slice(0, METRIC_PARTITIONS_MAX);
}
