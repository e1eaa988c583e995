/**
 * The worker of the workload `threads`: does what it is asked for, and answers each message.
 *
 * @module
 */
import { parentPort } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { Log, type RecordInput } from "../mod.ts";
import { batchesOf, makeValues, VALUE_BYTES } from "./values.ts";

/** One thing at a time: what is there says what is wanted. */
interface Message {
  /** A block to checksum and give back. */
  readonly block?: Uint8Array<ArrayBuffer>;
  /** The folder of the log that is appended to from then on. */
  readonly open?: string;
  /** A batch of the worker's own, by its number. */
  readonly index?: number;
  /** The values of a batch, one behind another. */
  readonly joined?: Uint8Array;
}

const port = parentPort!;
let log: Log | undefined;
let own: RecordInput[][] = [];

port.on("message", async ({ block, open, index, joined }: Message) => {
  if (block !== undefined) {
    crc32(block);
    return port.postMessage({ block }, [block.buffer]);
  }
  if (open !== undefined) {
    log = await Log.open(open, { sync: "os" });
    own = batchesOf(makeValues(), 1000).map((batch) => batch.map((value) => ({ value })));
  } else if (index !== undefined) await log!.appendAll(own[index % own.length]!);
  else await log!.appendAll(recordsIn(joined!));
  port.postMessage({});
});

function recordsIn(joined: Uint8Array): RecordInput[] {
  return Array.from({ length: joined.length / VALUE_BYTES }, (_, i) => ({
    value: joined.subarray(i * VALUE_BYTES, (i + 1) * VALUE_BYTES),
  }));
}
