/**
 * Keeps the index of a bucket where its backend keeps hints, and takes it up again.
 *
 * @module
 */
import type { Backend, PartitionInfo } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, witnessOf } from "./checkpoint.ts";
import { BUCKET_PARTITION } from "./kv_key.ts";

const NAME = "kv";

/** The checkpoints of one bucket. */
export class Checkpoints {
  readonly #backend: Backend;
  readonly #topic: string;
  readonly #topicId: string;

  constructor(backend: Backend, topic: { readonly name: string; readonly id: string }) {
    this.#backend = backend;
    this.#topic = topic.name;
    this.#topicId = topic.id;
  }

  /**
   * The index that was kept, when the log still has all that it knows; any doubt is none. Behind what
   * it knows, compaction may have taken deletions that it needs to hear of.
   */
  async load(
    { logStartOffset, nextOffset, compactedTo, truncations }: PartitionInfo,
  ): Promise<Checkpoint | undefined> {
    const checkpoint = this.#read();
    if (checkpoint === undefined || checkpoint.topicId !== this.#topicId) return undefined;
    const { position, witness } = checkpoint;
    if (position <= logStartOffset || position > nextOffset) return undefined;
    if (position < compactedTo || checkpoint.truncations !== truncations) return undefined;
    const found = await this.witnessAt(position - 1);
    return found === witness ? checkpoint : undefined;
  }

  /**
   * Keeps an index that has everything below `position`. All of it is written when this returns its
   * promise; then the index may change. What cannot be kept is not: nothing depends on it.
   */
  async save(checkpoint: Omit<Checkpoint, "topicId">): Promise<void> {
    const { hints } = this.#backend;
    if (hints === undefined) return;
    try {
      const pieces = encodeCheckpoint({ ...checkpoint, topicId: this.#topicId });
      await hints.keep(this.#topic, NAME, pieces);
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
    }
  }

  /** Tells the record at an offset from others; `undefined` when there is none. */
  async witnessAt(offset: number): Promise<number | undefined> {
    try {
      return witnessOf(await this.#backend.read(this.#topic, offset, BUCKET_PARTITION));
    } catch (error) {
      if (error instanceof SeglogError) return undefined;
      throw error;
    }
  }

  #read(): Checkpoint | undefined {
    let hint;
    try {
      hint = this.#backend.hints?.open(this.#topic, NAME);
      return hint === undefined ? undefined : decodeCheckpoint(hint);
    } catch (error) {
      if (error instanceof SeglogError) return undefined;
      throw error;
    } finally {
      hint?.close();
    }
  }
}
