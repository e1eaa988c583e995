/**
 * Records of several partitions, read and written out.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { Buffer } from "node:buffer";
import type { BatchView } from "../../core/format/batch.ts";
import { recordsOf } from "../../core/format/records_of.ts";
import { readBatches } from "../../core/reading.ts";
import { ChunkWriter } from "../chunk_writer.ts";
import type { Output } from "../output.ts";
import type { RecordPrinter } from "../record_format.ts";
import { lostNotes } from "./lost_notes.ts";
import type { OnLost } from "./merge.ts";
import type { PartitionRange } from "./partition_ranges.ts";

/** What is read, and how it is written. */
export interface RecordStreamOptions {
  readonly topic: string;
  readonly print: RecordPrinter;
  /** Most records that are written. */
  readonly max?: number;
  /** Newest first. */
  readonly reverse?: boolean;
  /** Only records with this key. */
  readonly key?: string;
}

/** Writes the records of a topic to standard output. */
export class RecordStream {
  readonly #backend: Backend;
  readonly #options: RecordStreamOptions;
  readonly #writer: ChunkWriter;
  readonly #key: Uint8Array | undefined;
  readonly #onLost: OnLost;
  #left: number;

  constructor(backend: Backend, output: Output, options: RecordStreamOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#writer = new ChunkWriter(output);
    this.#key = options.key === undefined ? undefined : Buffer.from(options.key);
    this.#onLost = lostNotes(output, options.topic);
    this.#left = options.max ?? Infinity;
  }

  /** Writes the ranges one after another. What was read before an error is written, too. */
  async inTurn(ranges: readonly PartitionRange[]): Promise<void> {
    try {
      for (const range of ranges) await this.#whole(range);
    } catch (error) {
      await this.#writer.flush().catch(() => {}); // the first error is the one to tell
      throw error;
    }
    await this.#writer.flush();
  }

  /** Writes the ranges and what is added to them, as it comes, until the signal or the maximum. */
  async following(ranges: readonly PartitionRange[], signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const either = AbortSignal.any([signal, done.signal]);
    const follow = async ({ partition, from, until }: PartitionRange) => {
      const range = { partition, from, until };
      const onLost = this.#onLost(range);
      const options = { ...range, key: this.#key, follow: true, signal: either, onLost };
      for await (const batch of readBatches(this.#backend, this.#options.topic, options)) {
        this.#print(batch, range);
        await this.#writer.flush();
        if (this.#left === 0) done.abort();
        if (either.aborted) break;
      }
    };
    try {
      if (this.#left > 0) await Promise.all(ranges.map(follow));
    } finally {
      done.abort();
      await this.#writer.flush();
    }
  }

  async #whole({ partition, from, until }: PartitionRange): Promise<void> {
    const { topic, reverse } = this.#options;
    if (this.#left === 0 || (until !== undefined && from >= until)) return;
    const key = this.#key;
    const range = { partition, from, until, reverse, key, onLost: this.#onLost({ partition }) };
    for await (const batch of readBatches(this.#backend, topic, range)) {
      this.#print(batch, { partition, from, until });
      await this.#writer.drain();
      if (this.#left === 0) break;
    }
  }

  #print(batch: BatchView, range: PartitionRange): void {
    const { topic, print, reverse } = this.#options;
    const { partition, from, until = Infinity } = range;
    for (const record of recordsOf(batch, { from, until, reverse, key: this.#key })) {
      if (this.#left === 0) return;
      print({ topic, partition, record }, this.#writer);
      this.#left--;
    }
  }
}
