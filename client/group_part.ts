/**
 * One partition that a member of a group reads, and how far it came.
 *
 * @module
 */
import type { AssignedPartition, GroupPlace } from "../core/group_contract.ts";
import type { ConsumedBatch } from "./consumed_batch.ts";
import type { Source } from "./merged_batches.ts";

/** A partition that is read. */
export class GroupPart implements GroupPlace {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Goes with what is committed. */
  since: number;
  /** The offset after the last one that was handed out. */
  position: number;
  /** The offset that the group has. */
  committed: number;
  /** Whether another member is to have it. */
  isLeaving = false;
  /** Whether it is being given up. */
  isGoing = false;
  /** Whether what is read is known to be there: the coordinator may have seen more than this backend. */
  isThere = false;
  /** Whether it was read to its end, where nobody follows. */
  isRead = false;
  /** What brings its batches; `undefined` while nothing is to be read. */
  reading: { readonly source: Source<GroupPart>; readonly ending: AbortController } | undefined;
  /** Batches that were handed out and are worked on, and those whose loop was left. */
  readonly #open = new Map<ConsumedBatch, "busy" | "left">();

  constructor({ topic, topicId, partition, since, offset }: AssignedPartition) {
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
    this.since = since;
    this.position = offset;
    this.committed = offset;
  }

  /** Whether somebody works on a batch of it. */
  get isBusy(): boolean {
    return [...this.#open.values()].includes("busy");
  }

  /** Whether something was handed out that is not committed. */
  get isUncommitted(): boolean {
    return this.position > this.committed;
  }

  /** Everything below it was handed out, and is not worked on any more. */
  get done(): number {
    return [...this.#open.keys()].reduce(
      (least, { start }) => Math.min(least, start),
      this.position,
    );
  }

  /** A batch is handed out. */
  hand(batch: ConsumedBatch): void {
    this.#open.set(batch, "busy");
    this.position = batch.end;
  }

  /** The loop that had a batch has asked for the next one, or was left in the middle of it. */
  end(batch: ConsumedBatch, how: "done" | "left"): void {
    if (!this.#open.has(batch)) return;
    if (how === "done") this.#open.delete(batch);
    else this.#open.set(batch, "left");
  }

  /** Another loop goes on behind those that were left: what they had counts as done. */
  goOn(): void {
    for (const [batch, state] of this.#open) if (state === "left") this.#open.delete(batch);
  }

  /**
   * Whether what is assigned goes on where this is. Who was lost gets all of its partitions anew: then
   * they go on unless the group was taken back meanwhile, or further than what was handed out here.
   * Who was not gets one anew because it is to be read from another place.
   */
  goesOnAs({ topicId, offset, since }: AssignedPartition, wasLost: boolean): boolean {
    if (topicId !== this.topicId) return false;
    if (since === this.since) return true;
    return wasLost && offset >= this.committed && offset <= this.position;
  }
}
