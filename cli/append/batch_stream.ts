/**
 * Single records in, batches out: filled while earlier ones are under way, in order, in bounded
 * memory.
 *
 * @module
 */
import type { AppendResult, Backend } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import type { RecordInput } from "../../core/format/record.ts";
import type { SyncMode } from "../../core/format/sync_mode.ts";

const BATCH_RECORDS = 4096;
const BATCH_BYTES = 1024 * 1024;
/** Bytes that may be gathered for all partitions together. */
const GATHERED_BYTES_MAX = 8 * BATCH_BYTES;
/** What a gathered record costs beside its bytes: many empty ones take memory too. */
const RECORD_OVERHEAD_BYTES = 16;
const ANY_PARTITION = -1;

/** How to append a stream. */
export interface BatchStreamOptions {
  readonly topic: string;
  readonly sync: SyncMode | undefined;
  /** The offset that the first record must get; the others follow it without a gap. */
  readonly expectedOffset: number | undefined;
  /** How long records of a slow stream wait for others. */
  readonly lingerMs: number;
  /** Batches under way at the same time: more than one only where appends keep their order. */
  readonly inFlightMax: number;
  /** Called in order with what was acknowledged. */
  readonly onAcknowledged: (result: AppendResult, batch: Batch) => Promise<void>;
}

/** Records that are appended together. */
export interface Batch {
  readonly partition: number | undefined;
  readonly records: readonly RecordInput[];
  readonly bytes: number;
}

interface OpenBatch extends Batch {
  readonly records: RecordInput[];
  /** The place of each in the stream, from 1. */
  readonly places: number[];
  bytes: number;
}

/** Appends a stream of records. After the first failure it takes nothing more. */
export class BatchStream {
  readonly #backend: Backend;
  readonly #options: BatchStreamOptions;
  readonly #open = new Map<number, OpenBatch>();
  #openBytes = 0;
  /** Full batches that wait for their turn. */
  readonly #queue: OpenBatch[] = [];
  #taken = 0;
  #inFlight = 0;
  #acknowledgedAny = false;
  #nextExpected: number | undefined;
  #failure: { readonly error: unknown } | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;
  #lingered = false;
  #settled = Promise.withResolvers<void>();

  constructor(backend: Backend, options: BatchStreamOptions) {
    this.#backend = backend;
    this.#options = options;
    this.#nextExpected = options.expectedOffset;
  }

  /**
   * Takes one record. Its bytes must stay unchanged until it is acknowledged.
   *
   * @returns a promise when the caller must wait for the backend to keep up, else `undefined`
   * @throws the error of the first batch that failed
   */
  add(record: RecordInput, partition: number | undefined): Promise<void> | undefined {
    this.#check();
    const bytes = sizeOf(record);
    const slot = partition ?? ANY_PARTITION;
    const before = this.#open.get(slot);
    // A large record goes by itself: where it is refused, its neighbours are not.
    if (before !== undefined && before.bytes + bytes > BATCH_BYTES) this.#close(slot, before);
    const batch = this.#open.get(slot) ?? this.#opened(slot, partition);
    batch.records.push(record);
    batch.places.push(++this.#taken);
    batch.bytes += bytes;
    this.#openBytes += bytes + RECORD_OVERHEAD_BYTES;
    if (batch.records.length >= BATCH_RECORDS || batch.bytes >= BATCH_BYTES) {
      this.#close(slot, batch);
    } else if (this.#openBytes > GATHERED_BYTES_MAX) this.#closeAll();
    else this.#linger();
    this.#pump();
    return this.#queue.length > 0 ? this.#queueEmpty() : undefined;
  }

  /** Sends what has gathered, and resolves when all is acknowledged. */
  async finish(): Promise<void> {
    this.#closeAll();
    this.#pump();
    await this.stop();
  }

  /** Gives up what was not sent, and resolves when what was is acknowledged. */
  async stop(): Promise<void> {
    clearTimeout(this.#lingering);
    this.#open.clear();
    this.#openBytes = 0;
    while (this.#inFlight > 0 || this.#queue.length > 0) await this.#settled.promise;
    this.#check();
  }

  #opened(slot: number, partition: number | undefined): OpenBatch {
    const batch: OpenBatch = { partition, records: [], places: [], bytes: 0 };
    this.#open.set(slot, batch);
    return batch;
  }

  #close(slot: number, batch: OpenBatch): void {
    this.#open.delete(slot);
    this.#openBytes -= batch.bytes + batch.records.length * RECORD_OVERHEAD_BYTES;
    this.#queue.push(batch);
  }

  #closeAll(): void {
    for (const [slot, batch] of this.#open) this.#close(slot, batch);
  }

  /**
   * When records have waited long enough they are sent as soon as nothing is under way: a backend
   * that is busy gathers larger batches meanwhile, as in Nagle's algorithm (RFC 896).
   */
  #linger(): void {
    this.#lingering ??= setTimeout(() => {
      this.#lingering = undefined;
      this.#lingered = true;
      this.#pump();
    }, this.#options.lingerMs);
  }

  #pump(): void {
    if (this.#lingered && this.#inFlight === 0 && this.#queue.length === 0) {
      this.#lingered = false;
      this.#closeAll();
    }
    // The first batch goes alone: it may make the topic.
    const inFlightMax = this.#acknowledgedAny ? this.#options.inFlightMax : 1;
    while (this.#queue.length > 0 && this.#inFlight < inFlightMax) {
      void this.#send(this.#queue.shift()!);
    }
  }

  async #send(batch: OpenBatch): Promise<void> {
    this.#inFlight++;
    try {
      const result = await this.#append(batch);
      this.#acknowledgedAny = true;
      await this.#options.onAcknowledged(result, batch);
    } catch (error) {
      this.#failure ??= { error: placed(error, batch) };
      this.#queue.length = 0;
      this.#open.clear();
      clearTimeout(this.#lingering);
    }
    this.#inFlight--;
    this.#pump();
    this.#settled.resolve();
    this.#settled = Promise.withResolvers();
  }

  #append({ partition, records }: Batch): Promise<AppendResult> {
    const { topic, sync } = this.#options;
    const expectedOffset = this.#nextExpected;
    if (expectedOffset !== undefined) this.#nextExpected = expectedOffset + records.length;
    return this.#backend.append(topic, records, { partition, sync, expectedOffset });
  }

  async #queueEmpty(): Promise<void> {
    while (this.#queue.length > 0) await this.#settled.promise;
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** An error about one record of a batch says which of the stream that is. */
function placed(error: unknown, { places }: OpenBatch): unknown {
  const index = error instanceof SeglogError ? error.details.index : undefined;
  const place = typeof index === "number" ? places[index] : undefined;
  if (!(error instanceof SeglogError) || place === undefined) return error;
  return new SeglogError(error.code, `${error.message}, which is line ${place} of the input`, {
    cause: error,
    details: { ...error.details, line: place },
  });
}

function sizeOf({ key, value, headers }: RecordInput): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const name in headers) bytes += name.length + headers[name]!.length;
  return bytes;
}
