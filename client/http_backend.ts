/**
 * A backend that is a seglog server somewhere else.
 *
 * @module
 */
import { SpanKind } from "@opentelemetry/api";
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Bounds,
  Capabilities,
  CompactResult,
  CompactTopicOptions,
  PartitionSegments,
  ReadOptions,
  TopicDetails,
  TopicInfo,
  TruncateOptions,
} from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { type BatchView, wireBytes } from "../core/format/batch.ts";
import { encodeBatch } from "../core/format/batch_builder.ts";
import { checkTopicName } from "../core/format/file_names.ts";
import type { LogRecord, RecordInput } from "../core/format/record.ts";
import { readEach, readFromBatch } from "../core/reading.ts";
import type { TopicConfig } from "../core/topic_config.ts";
import { messagingSpan, noteAppended } from "../tracing/messaging.ts";
import { inSpan, isTracing } from "../tracing/spans.ts";
import { jsonOf } from "./answers.ts";
import { readBatches } from "./batch_pages.ts";
import { HttpGroups } from "./http_groups.ts";
import type { Requests } from "./requests.ts";
import { ServerApi } from "./server_api.ts";
import { nameSegment, topicPath } from "./topic_path.ts";

/** How long a compaction may take: hours, for what is very large. */
const COMPACT_WAIT_MS = 6 * 3600 * 1000;
const JSON_HEADERS = { "content-type": "application/json" };

/**
 * Topics on a server. Made by `connect`. What is safe to try again is tried again: reading,
 * appends of a producer, and whatever certainly did not reach the server.
 */
export class HttpBackend implements Backend {
  /** What it offers beside its topics. */
  readonly api: ServerApi;
  /** Consumer groups that it coordinates. */
  readonly groups: HttpGroups;
  readonly #requests: Requests;
  readonly #capabilities: () => Capabilities;

  /** A backend over these requests; `connect` makes it. */
  constructor(requests: Requests, capabilities: () => Capabilities) {
    this.#requests = requests;
    this.#capabilities = capabilities;
    this.api = new ServerApi(requests);
    this.groups = new HttpGroups(this.api);
  }

  /** What the server can do; before it has answered, what an ordinary one can. */
  get capabilities(): Capabilities {
    return this.#capabilities();
  }

  /** Whether the server has not answered yet: only where it `mayBeAway`. */
  get isAway(): boolean {
    return this.#requests.isAway;
  }

  /** The highest epoch that the server told, or that is known from elsewhere. */
  get epoch(): number {
    return this.#requests.epoch;
  }

  async listTopics(): Promise<TopicInfo[]> {
    const answer = await this.#requests.read({ method: "GET", path: "/v1/topics" });
    return jsonOf<{ topics: TopicInfo[] }>(answer).topics;
  }

  async describeTopic(topic: string): Promise<TopicDetails> {
    return jsonOf(await this.#requests.read({ method: "GET", path: topicPath(topic) }));
  }

  async segments(topic: string): Promise<PartitionSegments[]> {
    const path = `/v1/admin/segments/${nameSegment(topic)}`;
    const answer = await this.#requests.read({ method: "GET", path });
    return jsonOf<{ partitions: PartitionSegments[] }>(answer).partitions;
  }

  async ensureTopic(
    topic: string,
    config?: Partial<TopicConfig>,
  ): Promise<{ created: boolean; topic: TopicInfo }> {
    const answer = await this.#requests.write({
      method: "PUT",
      path: topicPath(checkTopicName(topic)),
      ...config === undefined ? {} : { body: JSON.stringify(config), headers: JSON_HEADERS },
      isRepeatable: true,
    });
    return { created: answer.status === 201, topic: jsonOf(answer) };
  }

  async configureTopic(topic: string, changes: Partial<TopicConfig>): Promise<TopicInfo> {
    const answer = await this.#requests.write({
      method: "PATCH",
      path: topicPath(topic),
      headers: JSON_HEADERS,
      body: JSON.stringify(changes),
      isRepeatable: true,
    });
    return jsonOf(answer);
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#requests.write({ method: "DELETE", path: topicPath(topic) });
  }

  /** Records that bring no timestamp get that of this machine. */
  async append(
    topic: string,
    records: readonly RecordInput[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    this.#requests.checkOpen();
    if (records.length === 0) {
      throw new SeglogError("invalid-argument", `Cannot append to "${topic}": no records`);
    }
    const { producer } = options;
    const body = encodeBatch(records, { nowMs: Date.now(), producer });
    return await this.#post(topic, body, { ...options, isRepeatable: producer !== undefined });
  }

  async appendBatch(
    topic: string,
    batch: BatchView,
    options: Omit<AppendOptions, "producer"> = {},
  ): Promise<AppendResult> {
    const body = wireBytes(batch);
    return await this.#post(topic, body, { ...options, isRepeatable: batch.header.hasProducer });
  }

  async bounds(topic: string, partition = 0): Promise<Bounds> {
    const path = `${topicPath(topic)}/bounds?partition=${partition}`;
    return boundsOf(jsonOf(await this.#requests.read({ method: "GET", path })));
  }

  read(topic: string, offset: number, partition = 0): Promise<LogRecord> {
    return readFromBatch(this, topic, { offset, partition });
  }

  /** One request a record, many at a time. */
  readAll(topic: string, offsets: readonly number[], partition = 0): Promise<LogRecord[]> {
    return readEach(this, topic, { offsets, partition });
  }

  async offsetAt(topic: string, timestampMs: number, partition = 0): Promise<number> {
    const time = Math.max(0, Math.ceil(timestampMs));
    const path = `${topicPath(topic)}/offset?time=${time}&partition=${partition}`;
    return jsonOf<{ offset: number }>(await this.#requests.read({ method: "GET", path })).offset;
  }

  batches(topic: string, options: ReadOptions = {}): AsyncGenerator<BatchView, void, undefined> {
    return readBatches(this.#requests, topic, options);
  }

  async truncate(topic: string, options: TruncateOptions): Promise<Bounds> {
    const { partition = 0, before, after } = options;
    const answer = await this.#requests.write({
      method: "POST",
      path: `${topicPath(topic)}/truncate`,
      headers: JSON_HEADERS,
      body: JSON.stringify({ partition, before, after }),
      // Records that others append meanwhile must not be cut off by a second try.
      isRepeatable: before !== undefined,
    });
    return boundsOf(jsonOf(answer));
  }

  async compact(
    topic: string,
    { partition, signal }: CompactTopicOptions = {},
  ): Promise<CompactResult> {
    // To end it leaves nothing half done, and to do it twice does no harm: as when reading.
    const answer = await this.#requests.read({
      method: "POST",
      path: `${topicPath(topic)}/compact`,
      headers: JSON_HEADERS,
      body: JSON.stringify({ partition }),
      waitMs: COMPACT_WAIT_MS,
      ...signal === undefined ? {} : { signal },
    });
    return jsonOf(answer);
  }

  async flush(topic: string): Promise<void> {
    const path = `${topicPath(topic)}/flush`;
    await this.#requests.write({ method: "POST", path, isRepeatable: true });
  }

  close(): Promise<void> {
    return this.#requests.close();
  }

  /** Closes the client at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #post(
    topic: string,
    body: Uint8Array,
    options: AppendOptions & { readonly isRepeatable: boolean },
  ): Promise<AppendResult> {
    const { partition, expectedOffset, sync, isRepeatable } = options;
    const headers: Record<string, string> = { "content-type": "application/vnd.seglog.batch" };
    if (expectedOffset !== undefined) headers["seglog-if-offset"] = String(expectedOffset);
    if (sync !== undefined) headers["seglog-sync"] = sync;
    const query = partition === undefined ? "" : `?partition=${partition}`;
    const path = `${topicPath(checkTopicName(topic))}/records${query}`;
    const post = async (): Promise<AppendResult> =>
      jsonOf(await this.#requests.write({ method: "POST", path, headers, body, isRepeatable }));
    if (!isTracing()) return await post();
    const parts = messagingSpan("append", { topic, partition }, SpanKind.PRODUCER);
    return await inSpan(parts, async (span) => {
      const result = await post();
      noteAppended(span, result);
      return result;
    });
  }
}

function boundsOf({ logStartOffset, durableOffset, nextOffset }: Bounds): Bounds {
  return { logStartOffset, durableOffset, nextOffset };
}
