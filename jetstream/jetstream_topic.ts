/**
 * A topic of a cluster: its settings, and what reads and writes its partitions.
 *
 * @module
 */
import type { PartitionInfo, TopicInfo } from "../core/backend.ts";
import type { RecordInput } from "../core/format/record.ts";
import { commonPartition, partitionOf } from "../core/partitioner.ts";
import { hasRetention } from "../core/topic_config.ts";
import { checkPartition } from "../core/topic_errors.ts";
import type { Connection } from "./connection.ts";
import { measure } from "./measure.ts";
import type { MessageCache } from "./message_cache.ts";
import { PartitionStream } from "./partition_stream.ts";
import { PartitionWriter } from "./partition_writer.ts";
import { partitionNames } from "./stream_names.ts";
import { keptStart } from "./retention.ts";
import type { Streams } from "./streams.ts";
import { truncateBefore } from "./truncate.ts";

/** What all topics of a backend share. */
export interface TopicParts {
  readonly connection: Connection;
  readonly streams: Streams;
  readonly cache: MessageCache;
  readonly prefix: string;
}

/** One partition. */
export interface Partition {
  readonly stream: PartitionStream;
  readonly writer: PartitionWriter;
}

/** Partitions that are measured at the same time. */
const MEASURED_AT_ONCE = 16;

/** A topic, as it was found in the catalogue. */
export class JetStreamTopic {
  info: TopicInfo;
  readonly #parts: TopicParts;
  readonly #partitions: (Partition | undefined)[];
  #turn = 0;

  constructor(info: TopicInfo, parts: TopicParts) {
    this.info = info;
    this.#parts = parts;
    this.#partitions = new Array(info.config.partitions);
  }

  /** One of its partitions. @throws {SeglogError} `not-found` */
  partition(partition: number): Partition {
    checkPartition(this.info.name, partition, this.#partitions.length);
    return this.#partitions[partition] ??= this.#open(partition);
  }

  /** Those that were used. */
  get open(): Partition[] {
    return this.#partitions.filter((partition) => partition !== undefined);
  }

  /** Where records go, as in a store: by key, by producer, or in turn. */
  choosePartition(records: Iterable<RecordInput>, producerId?: string): number {
    const partitions = this.#partitions.length;
    const byKey = commonPartition(records, partitions);
    if (byKey !== undefined) return byKey;
    return producerId === undefined
      ? this.#turn++ % partitions
      : partitionOf(producerId, partitions);
  }

  /** All partitions, measured. */
  async measure(): Promise<PartitionInfo[]> {
    const measured: PartitionInfo[] = [];
    const count = this.#partitions.length;
    for (let at = 0; at < count; at += MEASURED_AT_ONCE) {
      const some = Array.from({ length: Math.min(MEASURED_AT_ONCE, count - at) }, (_, i) => at + i);
      measured.push(...await Promise.all(some.map((partition) => this.#measure(partition))));
    }
    return measured;
  }

  /** Removes what retention no longer keeps of a partition. */
  async retain(partition: number, nowMs: number): Promise<void> {
    const { config } = this.info;
    if (!hasRetention(config)) return;
    const { stream, writer } = this.partition(partition);
    const tip = await stream.tip();
    if (tip.state.logStartOffset === tip.state.nextOffset) return;
    await truncateBefore(stream, writer, await keptStart(stream, tip, { config, nowMs }));
  }

  /** Finishes appends under way. */
  async close(): Promise<void> {
    await Promise.all(this.open.map(({ writer }) => writer.close()));
  }

  async #measure(partition: number): Promise<PartitionInfo> {
    const { stream } = this.partition(partition);
    const tip = await stream.tip();
    const { logStartOffset, nextOffset, compactedTo } = tip.state;
    return {
      partition,
      logStartOffset,
      durableOffset: nextOffset,
      nextOffset,
      ...await measure(stream, tip, this.info.config.segmentBytes),
      compactedTo,
      truncations: 0,
    };
  }

  #open(partition: number): Partition {
    const { connection, streams, cache, prefix } = this.#parts;
    const { name, config } = this.info;
    const stream = new PartitionStream({
      streams,
      names: partitionNames(prefix, this.info, partition),
      cache,
      what: config.partitions === 1 ? `"${name}"` : `"${name}" partition ${partition}`,
      timeoutMs: connection.timeoutMs,
    });
    return { stream, writer: new PartitionWriter(stream, connection) };
  }
}
