/**
 * `read --group`: the records that a consumer group has not read yet, of which it commits what was
 * written.
 *
 * @module
 */
import type { ConsumedBatch } from "../../client/consumed_batch.ts";
import { GroupConsumer } from "../../client/group_consumer.ts";
import type { GroupLostRange } from "../../client/group_share.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import type { GroupOffset } from "../../core/group_contract.ts";
import { formatOffsets } from "../append/offset_runs.ts";
import { ChunkWriter } from "../chunk_writer.ts";
import { openToChange } from "../connect.ts";
import { EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type { ReadVerbOptions } from "../grammar/read.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import type { RecordPrinter } from "../record_format.ts";

/** What `read` was asked for, with a group. */
export interface GroupReadOptions extends ReadVerbOptions {
  readonly group: string;
  readonly print: RecordPrinter;
}

/** Records that are written before they are committed, where more come without a pause. */
const COMMIT_RECORDS = 10_000;
/** How long the next batch may take before what there is is written and committed. */
const PAUSE_MS = 20;

/** Reads as a member of a group, until the end, the maximum, or an interruption. */
export async function readGroup(context: Context, options: GroupReadOptions): Promise<number> {
  const { output, io } = context;
  const { group, topic, follow } = options;
  const from = beginning(options);
  const note = (text: string) => output.note(`seglog: ${text}`);
  return await interruptible(io, async (signal) => {
    await using backend = await openToChange(context);
    await using consumer = await GroupConsumer.open(backend, group, {
      topics: [topic],
      from,
      follow,
      signal,
      onNotice: note,
      onLost: (range) => note(`${lostText(range)}; the group goes on behind`),
    });
    await new GroupWriter(consumer, new ChunkWriter(output), { ...options, note }).run();
    return signal.aborted ? EXIT_INTERRUPTED : EXIT_OK;
  });
}

/** Writes what a consumer brings. */
class GroupWriter {
  readonly #consumer: GroupConsumer;
  readonly #writer: ChunkWriter;
  readonly #options: GroupReadOptions & { readonly note: (text: string) => void };
  #left: number;
  /** Records that were printed since the last commit. */
  #printed = 0;
  /** Up to where partitions were printed. */
  readonly #done = new Map<number, GroupOffset>();

  constructor(
    consumer: GroupConsumer,
    writer: ChunkWriter,
    options: GroupReadOptions & { readonly note: (text: string) => void },
  ) {
    this.#consumer = consumer;
    this.#writer = writer;
    this.#options = options;
    this.#left = options.max ?? Infinity;
  }

  async run(): Promise<void> {
    if (this.#left === 0) return;
    const batches = this.#consumer.batches();
    try {
      for (;;) {
        const next = batches.next();
        if (this.#printed >= COMMIT_RECORDS || !await isSoon(next)) await this.#commit();
        const { done, value } = await next;
        if (done) break;
        this.#print(value);
        await this.#writer.drain();
        if (this.#left === 0) break;
      }
    } finally {
      await this.#commit();
    }
  }

  #print(batch: ConsumedBatch): void {
    const { topic, partition } = batch;
    let { end: offset } = batch;
    for (const record of batch) {
      if (this.#left === 0) {
        offset = record.offset; // this one is for the next run
        break;
      }
      this.#options.print({ topic, partition, record }, this.#writer);
      this.#left--;
      this.#printed++;
    }
    this.#done.set(partition, { topic, partition, offset });
  }

  /** What was handed on is done; what could not be is not. */
  async #commit(): Promise<void> {
    await this.#writer.flush();
    if (this.#done.size === 0) return;
    const offsets = [...this.#done.values()];
    this.#done.clear();
    this.#printed = 0;
    try {
      await this.#consumer.commit(offsets);
    } catch (error) {
      // Others read it again, and this one goes on.
      if (!(error instanceof SeglogError) || error.code !== "condition-failed") throw error;
      this.#options.note(messageOf(error));
    }
  }
}

/** Whether something comes before long. */
async function isSoon(next: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout>;
  const pause = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PAUSE_MS);
  });
  const come = next.then(() => true, () => true);
  return await Promise.race([come, pause]).finally(() => clearTimeout(timer));
}

/** Where a new group begins. @throws {UsageError} for what does not go with a group */
function beginning(options: GroupReadOptions): "start" | "end" {
  const { reverse, key, partition, range } = options;
  const strange = reverse
    ? "--reverse"
    : key !== undefined
    ? "--key"
    : partition !== undefined
    ? "-p"
    : undefined;
  if (strange !== undefined) {
    throw new UsageError(
      `give --group or ${strange}, not both: a group reads all records of the partitions that it is assigned`,
    );
  }
  if (range === undefined) return "start";
  const { kind } = range.from;
  if (range.until === undefined && (kind === "start" || kind === "end")) return kind;
  throw new UsageError(
    "with --group, -o says where a new group begins, start or end; seglog group seek moves one",
  );
}

function lostText({ topic, partition, start, end }: GroupLostRange): string {
  const isOne = end === start + 1;
  return `${isOne ? "offset" : "offsets"} ${
    formatOffsets({ start, end })
  } of "${topic}" partition ${partition} ${isOne ? "is" : "are"} gone`;
}
