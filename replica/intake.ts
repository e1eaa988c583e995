/**
 * What is on its way into a copy: some batches at once, in order, and a bounded number of bytes.
 *
 * @module
 */
import type { BatchView } from "../core/format/batch.ts";
import type { GapReason, MirrorPartition } from "../core/mirror_contract.ts";

/** What was taken in, and acknowledged. */
export interface Taken {
  /** The offset behind it. */
  readonly nextOffset: number;
  readonly records: number;
  /** Bytes of batches. */
  readonly bytes: number;
}

/** Bytes on their way unless said otherwise; a batch that is larger goes by itself. */
const BYTES_MAX = 8 * 1024 * 1024;
/** Batches on their way, at most: together they share syncs. */
const BATCHES_MAX = 256;

/** Gives a target what comes. When a batch was refused, everything behind it is, too. */
export class Intake {
  readonly #target: MirrorPartition;
  readonly #onTaken: ((taken: Taken) => void) | undefined;
  readonly #bytesMax: number;
  readonly #pending: { readonly bytes: number; readonly done: Promise<void> }[] = [];
  #bytes = 0;
  #nextOffset: number;
  #compactedTo = 0;

  constructor(
    target: MirrorPartition,
    options: {
      readonly nextOffset: number;
      readonly readAheadBytes?: number;
      readonly onTaken?: (taken: Taken) => void;
    },
  ) {
    this.#target = target;
    this.#onTaken = options.onTaken;
    this.#bytesMax = options.readAheadBytes ?? BYTES_MAX;
    this.#nextOffset = options.nextOffset;
  }

  /** Where the next batch has to begin: behind everything that was given. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Resolves when there is room for more. @throws what the target threw for a batch before */
  async append(batch: BatchView): Promise<void> {
    const { nextOffset, bytes: { length: bytes }, header: { recordCount: records } } = batch;
    while (
      this.#pending.length > 0 &&
      (this.#bytes + bytes > this.#bytesMax || this.#pending.length >= BATCHES_MAX)
    ) await this.#oldest();
    const done = this.#target.append(batch)
      .then(() => this.#onTaken?.({ nextOffset, records, bytes }));
    done.catch(() => {}); // it is awaited in its turn
    this.#pending.push({ bytes, done });
    this.#bytes += bytes;
    this.#nextOffset = nextOffset;
  }

  /** Goes on at a later offset. @throws what the target threw for a batch before */
  async skipTo(offset: number, reason: GapReason): Promise<void> {
    await this.settle();
    if (offset <= this.#nextOffset) return;
    await this.#target.skipTo(offset, reason);
    this.#nextOffset = offset;
    this.#onTaken?.({ nextOffset: offset, records: 0, bytes: 0 });
  }

  /** Notes how far compaction has been in the source, before what comes next is taken in. */
  async noteCompacted(offset: number): Promise<void> {
    if (offset <= this.#compactedTo) return;
    await this.#target.noteCompacted?.(offset);
    this.#compactedTo = offset;
  }

  /** Resolves when nothing is on its way any more. @throws what the target threw for a batch */
  async settle(): Promise<void> {
    while (this.#pending.length > 0) await this.#oldest();
  }

  async #oldest(): Promise<void> {
    const { bytes, done } = this.#pending[0]!;
    try {
      await done;
    } catch (error) {
      await Promise.allSettled(this.#pending.map((each) => each.done));
      this.#pending.length = 0;
      throw error;
    }
    this.#pending.shift();
    this.#bytes -= bytes;
  }
}
