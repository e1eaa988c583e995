/**
 * How much of what one tenant may have is used.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { type Clock, sleep } from "../../core/base/clock.ts";
import { isInternalTopic } from "../../core/format/file_names.ts";
import { STORED_MEASURE_MS } from "../limits.ts";
import { type Quota, quotaFull, type QuotaName, rateExceeded } from "./quota.ts";
import { TokenBucket } from "./token_bucket.ts";

/** What a tenant uses. */
export interface Usage {
  readonly topics: number;
  readonly partitions: number;
  readonly storedBytes: number;
}

/** What the counting of a tenant needs. */
export interface TenantQuotaOptions {
  readonly clock: Clock;
  /** The limits as they are now. */
  readonly limits: () => Quota | undefined;
  /** Is told of each refusal. */
  readonly refused: (quota: QuotaName) => void;
}

/** Counts what one tenant uses, and refuses what would be too much. */
export class TenantQuota {
  readonly #backend: Backend;
  readonly #options: TenantQuotaOptions;
  readonly #requests: TokenBucket;
  readonly #bytes: TokenBucket;
  /** Bytes of segments when they were last measured, and what was appended since. */
  #measuredBytes: number | undefined;
  #appendedBytes = 0;
  #measuredAtMs = 0;
  #measuring: Promise<void> | undefined;

  /** @param backend the tenant's own topics, the server's among them */
  constructor(backend: Backend, options: TenantQuotaOptions) {
    this.#backend = backend;
    this.#options = options;
    const { clock, limits } = options;
    this.#requests = new TokenBucket(clock, () => limits()?.requestsPerSecond);
    this.#bytes = new TokenBucket(clock, () => limits()?.bytesPerSecond);
  }

  /** The limits, where there are any. */
  get limits(): Quota | undefined {
    return this.#options.limits();
  }

  /** Counts a request. @throws {SeglogError} `quota-exceeded` */
  takeRequest(): void {
    this.#checkRate("requestsPerSecond", this.#requests);
    this.#requests.take(1);
  }

  /** Refuses whoever has had too many bytes a moment ago. @throws {SeglogError} `quota-exceeded` */
  checkBytes(): void {
    this.#checkRate("bytesPerSecond", this.#bytes);
  }

  /** Counts bytes that are appended or read. */
  takeBytes(bytes: number): void {
    this.#bytes.take(bytes);
  }

  /** Waits until bytes may be had again: for those who have begun, and are slowed down. */
  async awaitBytes(signal?: AbortSignal): Promise<void> {
    const waitMs = this.#bytes.waitMs();
    if (waitMs > 0) await sleep(waitMs, signal);
  }

  /**
   * Counts bytes that are about to be stored.
   *
   * @returns takes them off again, when they were not
   * @throws {SeglogError} `quota-exceeded`, `quota-full`
   */
  async takeStored(bytes: number): Promise<() => void> {
    this.checkBytes();
    const limit = this.limits?.storedBytes;
    if (limit !== undefined) {
      await this.#measure();
      const used = (this.#measuredBytes ?? 0) + this.#appendedBytes;
      if (used + bytes > limit) throw this.refusal("storedBytes", limit, used);
    }
    this.#appendedBytes += bytes;
    this.takeBytes(bytes);
    return () => {
      this.#appendedBytes -= bytes;
      this.#bytes.give(bytes);
    };
  }

  /** The error for what is full, counted. */
  refusal(name: QuotaName, limit: number, used: number): Error {
    this.#options.refused(name);
    return quotaFull(name, limit, used);
  }

  /** What is used, measured, without what the server keeps for the tenant. */
  async usage(): Promise<Usage> {
    const topics = (await this.#backend.listTopics())
      .filter(({ name }) => !isInternalTopic(name));
    let storedBytes = 0;
    for (const { name } of topics) storedBytes += await this.#bytesOf(name);
    return {
      topics: topics.length,
      partitions: topics.reduce((sum, { config }) => sum + config.partitions, 0),
      storedBytes,
    };
  }

  #checkRate(name: "requestsPerSecond" | "bytesPerSecond", bucket: TokenBucket): void {
    const waitMs = bucket.waitMs();
    if (waitMs === 0) return;
    this.#options.refused(name);
    throw rateExceeded(name, this.limits![name]!, waitMs);
  }

  /** Measures now and then, one at a time; only the first measuring is waited for. */
  async #measure(): Promise<void> {
    const isOld = this.#options.clock.now() - this.#measuredAtMs >= STORED_MEASURE_MS;
    if (this.#measuring === undefined && (this.#measuredBytes === undefined || isOld)) {
      this.#measuring = this.#measureNow().finally(() => this.#measuring = undefined);
      this.#measuring.catch(() => {}); // told to those who wait for it
    }
    if (this.#measuredBytes === undefined) await this.#measuring;
  }

  async #measureNow(): Promise<void> {
    const before = this.#appendedBytes;
    const { storedBytes } = await this.usage();
    this.#measuredBytes = storedBytes;
    this.#measuredAtMs = this.#options.clock.now();
    // What came while it was measured may be counted twice until the next time.
    this.#appendedBytes -= before;
  }

  /** A topic may be deleted while others are measured. */
  async #bytesOf(topic: string): Promise<number> {
    const details = await this.#backend.describeTopic(topic).catch(() => undefined);
    return (details?.partitions ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  }
}
