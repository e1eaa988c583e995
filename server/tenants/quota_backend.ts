/**
 * A tenant's topics within its quota: whatever is kept in them is counted, whoever writes it.
 *
 * @module
 */
import type {
  AppendOptions,
  AppendResult,
  Backend,
  ReadOptions,
  Reservation,
  TopicInfo,
} from "../../core/backend.ts";
import { utf8Length } from "../../core/base/bytes.ts";
import { Mutex } from "../../core/base/mutex.ts";
import type { BatchView } from "../../core/format/batch.ts";
import { isInternalTopic } from "../../core/format/file_names.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";
import { DEFAULT_TOPIC_CONFIG, type TopicConfig } from "../../core/topic_config.ts";
import { LayeredBackend } from "../layered_backend.ts";
import { RECORD_COST_BYTES } from "../limits.ts";
import type { TenantQuota } from "./tenant_quota.ts";

/** Counts what is stored, and how many topics there are. */
export class QuotaBackend extends LayeredBackend {
  readonly #quota: TenantQuota;
  /** Topics are made one after another, so that each sees those before. */
  readonly #making = new Mutex();
  /** Topics that were there. */
  readonly #known = new Set<string>();

  constructor(inner: Backend, quota: TenantQuota) {
    super(inner);
    this.#quota = quota;
    const { reserve } = this;
    if (reserve !== undefined) {
      this.reserve = async (topic, partition) =>
        this.#counted(topic, await reserve(topic, partition));
    }
  }

  override append(
    topic: string,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    const append = () => super.append(topic, records, options);
    return this.#isLimited(topic) ? this.#store(topic, sizeOf(records), append) : append();
  }

  override appendBatch(
    topic: string,
    batch: BatchView,
    options?: Omit<AppendOptions, "producer">,
  ): Promise<AppendResult> {
    const append = () => super.appendBatch(topic, batch, options);
    return this.#isLimited(topic) ? this.#store(topic, batch.bytes.length, append) : append();
  }

  override ensureTopic(
    topic: string,
    config: Partial<TopicConfig> = {},
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    const ensure = () => super.ensureTopic(topic, config);
    return this.#isLimited(topic) ? this.#make(topic, config, ensure) : ensure();
  }

  override async deleteTopic(topic: string): Promise<void> {
    await super.deleteTopic(topic);
    this.#known.delete(topic);
  }

  /** What the server keeps for a tenant is not refused: offsets can be committed when all is full. */
  #isLimited(topic: string): boolean {
    return this.#quota.limits !== undefined && !isInternalTopic(topic);
  }

  async #store(
    topic: string,
    bytes: number,
    append: () => Promise<AppendResult>,
  ): Promise<AppendResult> {
    const undo = await this.#quota.takeStored(bytes);
    try {
      return this.#known.has(topic) || this.#quota.limits?.topics === undefined
        ? await append()
        : await this.#make(topic, {}, append);
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** Runs what may make a topic, where one more is allowed. */
  #make<Result>(
    topic: string,
    { partitions = DEFAULT_TOPIC_CONFIG.partitions }: Partial<TopicConfig>,
    run: () => Promise<Result>,
  ): Promise<Result> {
    return this.#making.run(async () => {
      const limit = this.#quota.limits?.topics;
      if (limit !== undefined) {
        const topics = (await this.listTopics()).filter(({ name }) => !isInternalTopic(name));
        const used = topics.reduce((sum, { config }) => sum + config.partitions, 0);
        const isThere = topics.some(({ name }) => name === topic);
        if (!isThere && used + partitions > limit) {
          throw this.#quota.refusal("topics", limit, used);
        }
      }
      const result = await run();
      this.#known.add(topic);
      return result;
    });
  }

  #counted(topic: string, reservation: Reservation): Reservation {
    return {
      release: () => reservation.release(),
      appendBatch: (batch, options) => {
        const append = () => reservation.appendBatch(batch, options);
        return this.#isLimited(topic) ? this.#store(topic, batch.bytes.length, append) : append();
      },
    };
  }
}

/** What visitors read of a tenant's topics, counted: what the server itself reads is not. */
export class MeteredReads extends LayeredBackend {
  readonly #quota: TenantQuota;

  constructor(inner: Backend, quota: TenantQuota) {
    super(inner);
    this.#quota = quota;
  }

  override async read(topic: string, offset: number, partition?: number): Promise<LogRecord> {
    this.#quota.checkBytes();
    const record = await super.read(topic, offset, partition);
    this.#take([record]);
    return record;
  }

  override async readAll(
    topic: string,
    offsets: readonly number[],
    partition?: number,
  ): Promise<LogRecord[]> {
    this.#quota.checkBytes();
    const records = await super.readAll(topic, offsets, partition);
    this.#take(records);
    return records;
  }

  override batches(topic: string, options?: ReadOptions): AsyncIterableIterator<BatchView> {
    const batches = super.batches(topic, options);
    return this.#quota.limits?.bytesPerSecond === undefined
      ? batches
      : this.#counted(batches, options);
  }

  /** What a record is, is only looked at where it counts. */
  #take(records: readonly LogRecord[]): void {
    if (this.#quota.limits?.bytesPerSecond !== undefined) this.#quota.takeBytes(sizeOf(records));
  }

  /** Refuses at the start; who has begun is slowed down instead. */
  async *#counted(
    batches: AsyncIterableIterator<BatchView>,
    options: ReadOptions | undefined,
  ): AsyncGenerator<BatchView, void, undefined> {
    this.#quota.checkBytes();
    for await (const batch of batches) {
      await this.#quota.awaitBytes(options?.signal);
      if (options?.signal?.aborted) return;
      this.#quota.takeBytes(batch.bytes.length);
      yield batch;
    }
  }
}

function sizeOf(records: readonly Pick<RecordInput, "key" | "value" | "headers">[]): number {
  let bytes = RECORD_COST_BYTES * records.length;
  for (const { key, value, headers = {} } of records) {
    bytes += lengthOf(key) + lengthOf(value);
    for (const name in headers) bytes += utf8Length(name) + utf8Length(headers[name]!);
  }
  return bytes;
}

function lengthOf(part: string | Uint8Array | null | undefined): number {
  if (part === null || part === undefined) return 0;
  return typeof part === "string" ? utf8Length(part) : part.length;
}
