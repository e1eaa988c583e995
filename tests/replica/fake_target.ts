/** A backend that takes in what another one has, in memory; it can fail at any call. */
import {
  type Backend,
  type Bounds,
  type ReadOptions,
  SeglogError,
  type TopicDetails,
  type TopicInfo,
} from "../../mod.ts";
import { lostRange } from "../../core/base/offset_errors.ts";
import { type BatchView, decodeBatch, rehead } from "../../core/format/batch.ts";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
import { trimBatch } from "../../core/format/trim_batch.ts";
import type { GapReason, MirrorPartition, MirrorTarget } from "../../core/mirror_contract.ts";

/** One partition: batches and gaps in the order of offsets. */
class FakePartition implements MirrorPartition {
  readonly parts: (BatchView | { start: number; end: number; reason: GapReason })[] = [];
  readonly #count: () => void;
  start = 0;
  next = 0;

  constructor(count: () => void) {
    this.#count = count;
  }

  // deno-lint-ignore require-await -- the contract is asynchronous
  async bounds(): Promise<Bounds> {
    return { logStartOffset: this.start, durableOffset: this.next, nextOffset: this.next };
  }

  // deno-lint-ignore require-await -- likewise
  async append(batch: BatchView): Promise<void> {
    this.#count();
    if (batch.baseOffset !== this.next) {
      throw new SeglogError("condition-failed", "elsewhere", {
        details: { expected: batch.baseOffset, actual: this.next },
      });
    }
    this.parts.push(decodeBatch(rehead(batch), 0, WIRE_SALT) as BatchView);
    this.next = batch.nextOffset;
  }

  // deno-lint-ignore require-await -- likewise
  async skipTo(offset: number, reason: GapReason): Promise<void> {
    this.#count();
    if (offset < this.next) throw new SeglogError("offset-out-of-range", "back");
    if (this.parts.length === 0) this.start = offset;
    else this.parts.push({ start: this.next, end: offset, reason });
    this.next = offset;
  }

  // deno-lint-ignore require-await -- likewise
  async truncateBefore(offset: number): Promise<void> {
    this.#count();
    this.start = Math.max(this.start, offset);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  *read({ from = this.start, until = this.next, reverse = false }: ReadOptions) {
    const parts = reverse ? this.parts.toReversed() : this.parts;
    for (const part of parts) {
      if ("reason" in part) {
        if (part.reason === "removed" || part.end <= from || part.start >= until) continue;
        throw lostRange("fake", part.start, part);
      }
      if (part.nextOffset <= from || part.baseOffset >= until) continue;
      const kept = trimBatch(part, { from: this.start, until: Infinity });
      if (kept !== undefined) yield kept;
    }
  }
}

/** Topics that were adopted. */
export class FakeTarget implements MirrorTarget {
  readonly topics = new Map<string, { info: TopicInfo; partitions: FakePartition[] }>();
  /** Calls that still succeed. */
  callsLeft = Infinity;

  /** What can be read of it, as a backend. */
  get backend(): Backend {
    const of = (topic: string, partition = 0) => this.topics.get(topic)!.partitions[partition]!;
    const backend: Partial<Backend> = {
      capabilities: { kind: "fake", canWrite: false, canTruncateAfter: false },
      mirrorTarget: this,
      listTopics: () => Promise.resolve([...this.topics.values()].map(({ info }) => info)),
      describeTopic: async (topic) =>
        ({
          ...this.topics.get(topic)!.info,
          partitions: await Promise.all(
            this.topics.get(topic)!.partitions.map(async (each, partition) => ({
              partition,
              compactedTo: 0,
              ...await each.bounds(),
            })),
          ),
        }) as unknown as TopicDetails,
      bounds: (topic, partition) => of(topic, partition).bounds(),
      async *batches(topic, options = {}) {
        yield* of(topic, options.partition).read(options);
      },
    };
    return backend as Backend;
  }

  // deno-lint-ignore require-await -- the contract is asynchronous
  async adopt(info: TopicInfo): Promise<void> {
    const known = this.topics.get(info.name);
    if (known !== undefined && known.info.id !== info.id) {
      throw new SeglogError("exists", `another ${info.name}`);
    }
    const count = () => {
      if (this.callsLeft-- <= 0) throw new SeglogError("unavailable", "no more calls");
    };
    const partitions = known?.partitions ??
      Array.from({ length: info.config.partitions }, () => new FakePartition(count));
    this.topics.set(info.name, { info, partitions });
  }

  drop(topic: string): Promise<void> {
    this.topics.delete(topic);
    return Promise.resolve();
  }

  openMirror(topic: string, partition: number): Promise<FakePartition> {
    return Promise.resolve(this.topics.get(topic)!.partitions[partition]!);
  }
}
