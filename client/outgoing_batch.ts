/**
 * A batch that a producer fills. Records are encoded as they come; what is kept of each is no more
 * than who waits for it.
 *
 * @module
 */
import type { AppendResult } from "../core/backend.ts";
import { ByteWriter } from "../core/base/bytes.ts";
import { BATCH_RECORDS_MAX } from "../core/base/limits.ts";
import type { BatchView } from "../core/format/batch.ts";
import { BatchBuilder } from "../core/format/batch_builder.ts";
import type { ProducerStamp } from "../core/format/producer_field.ts";
import type { RecordInput } from "../core/format/record.ts";
import { sealBatch } from "../core/format/seal_batch.ts";

/** Where a record that was sent is. */
export interface SentRecord {
  /** Number of the partition. */
  readonly partition: number;
  /** Its place there. */
  readonly offset: number;
}

/** Someone who waits for one record. */
export interface Sender {
  readonly resolve: (record: SentRecord) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch on its way, from its first record until it is acknowledged or has failed. */
export class OutgoingBatch {
  readonly #writer: ByteWriter;
  readonly #builder: BatchBuilder;
  readonly #bytesWanted: number;
  readonly #senders: { readonly index: number; readonly sender: Sender }[] = [];
  #bytes = 0;
  readonly #settling = Promise.withResolvers<void>();

  /** @param bytesWanted at which it is full */
  constructor(bytesWanted: number, writer: ByteWriter = new ByteWriter()) {
    this.#bytesWanted = bytesWanted;
    this.#writer = writer;
    this.#builder = new BatchBuilder(writer, 0);
  }

  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** Records that nobody waits for by themselves. */
  get writtenCount(): number {
    return this.#builder.recordCount - this.#senders.length;
  }

  /** Bytes of its records and of its header. */
  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.bytes >= this.#bytesWanted || this.recordCount === BATCH_RECORDS_MAX;
  }

  /** Resolves when it is acknowledged or has failed. */
  get settled(): Promise<void> {
    return this.#settling.promise;
  }

  /** Encodes a record. @throws {SeglogError} `invalid-record` or `too-large`, and adds nothing */
  add(record: RecordInput, nowMs: number, sender?: Sender): void {
    const index = this.#builder.recordCount;
    this.#builder.add([record], nowMs);
    this.#bytes = this.#writer.length;
    if (sender !== undefined) this.#senders.push({ index, sender });
  }

  /** The batch, complete; nothing can be added any more. */
  seal(stamp: ProducerStamp): BatchView {
    this.#builder.setProducer(stamp);
    return sealBatch(this.#builder, this.#writer);
  }

  /** Tells all who wait where their records are. Returns the memory, which is free again. */
  resolve({ partition, start }: AppendResult): ByteWriter {
    for (const { index, sender } of this.#senders) {
      sender.resolve({ partition, offset: start + index });
    }
    this.#settling.resolve();
    this.#writer.truncate(0);
    return this.#writer;
  }

  /** Tells all who wait. The memory is given up: a request that failed may still hold it. */
  reject(error: unknown): void {
    for (const { sender } of this.#senders) sender.reject(error);
    this.#settling.resolve();
  }
}
