/**
 * Whether other threads would make seglog faster on few cores: the same work in the thread of the
 * caller, and where it can be elsewhere.
 *
 * - Checksums: a block is handed to a worker and back, as its owner would have to.
 * - Compression: by the thread pool of the runtime, two batches at a time.
 * - Partitions: two logs appended to by one thread, or each by a worker of its own that makes its
 *   records itself, or gets them from the caller. The last is what a server would have to do.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { Log } from "../../mod.ts";
import { makeAccessLog } from "../access_log.ts";
import { rateDuring } from "../measure.ts";
import { batchesOf, makeValues, VALUE_BYTES } from "../values.ts";
import { type Figures, type Job, numberOf, type Size, textOf, type Workload } from "../workload.ts";

const WORKER = new URL("../thread.ts", import.meta.url);
const BATCH = 1000;
const BLOCK_BYTES = 128 * 1024;
const ONE_THREAD = "one thread";

export const threads: Workload = {
  name: "threads",
  title: "Work in other threads",
  figures: [{ key: "perSecond", label: "MB/s", better: "more" }],
  systems: [ONE_THREAD, "a worker", "thread pool", "two workers", "two workers, given records"],
  cases(size: Size) {
    const seconds = size === "short" ? 1 : 2;
    return [
      {
        name: "checksums of 128 KiB",
        params: { work: "checksum", seconds },
        systems: [ONE_THREAD, "a worker"],
      },
      {
        name: "zstd of 1,000 lines of an access log",
        params: { work: "zstd", seconds },
        systems: [ONE_THREAD, "thread pool"],
      },
      {
        name: "appends to two logs, 1,000 records a batch",
        params: { work: "append", seconds },
        systems: [ONE_THREAD, "two workers", "two workers, given records"],
      },
    ];
  },
  async run(job: Job): Promise<Figures> {
    return { perSecond: await RUNS[textOf(job.params, "work")]!(job) / 1e6 };
  },
};

/** Each gives bytes a second. */
const RUNS: Readonly<Record<string, (job: Job) => Promise<number>>> = {
  checksum: async ({ system, params }) => {
    let block = new Uint8Array(BLOCK_BYTES).fill(7);
    const seconds = numberOf(params, "seconds");
    if (system === ONE_THREAD) {
      return await rateDuring(seconds, () => {
        zlib.crc32(block);
        return block.length;
      });
    }
    await using worker = startWorker();
    return await rateDuring(seconds, async () => {
      ({ block } = await worker.ask({ block }, [block.buffer as ArrayBuffer]) as {
        block: Uint8Array<ArrayBuffer>;
      });
      return block.length;
    });
  },

  zstd: async ({ system, params }) => {
    const bytes = Buffer.concat(makeAccessLog(BATCH));
    const seconds = numberOf(params, "seconds");
    if (system === ONE_THREAD) {
      return await rateDuring(seconds, () => {
        zlib.zstdCompressSync(bytes);
        return bytes.length;
      });
    }
    const compress = promisify(zlib.zstdCompress);
    return await rateDuring(seconds, async () => {
      await Promise.all([compress(bytes), compress(bytes)]);
      return 2 * bytes.length;
    });
  },

  append: async ({ system, params, folder }) => {
    const batches = batchesOf(makeValues(), BATCH);
    const seconds = numberOf(params, "seconds");
    const folders = ["a", "b"].map((name) => join(folder, name));
    if (system === ONE_THREAD) {
      const logs = await Promise.all(folders.map((each) => Log.open(each, { sync: "os" })));
      const records = batches.map((values) => values.map((value) => ({ value })));
      const rate = await rateDuring(seconds, async (index) => {
        await Promise.all(logs.map((log) => log.appendAll(records[index % records.length]!)));
        return logs.length * bytesIn(batches[index % batches.length]!);
      });
      for (const log of logs) await log.close();
      return rate;
    }
    const workers = folders.map(() => startWorker());
    const isGiven = system === "two workers, given records";
    for (const [i, worker] of workers.entries()) await worker.ask({ open: folders[i]! });
    const rate = await rateDuring(seconds, async (index) => {
      const batch = batches[index % batches.length]!;
      await Promise.all(
        workers.map((worker) => isGiven ? giveRecords(worker, batch) : worker.ask({ index })),
      );
      return workers.length * bytesIn(batch);
    });
    for (const worker of workers) await worker[Symbol.asyncDispose]();
    return rate;
  },
};

/** In one piece, which costs less than an object for each. */
function giveRecords(worker: Helper, batch: readonly Uint8Array[]): Promise<unknown> {
  const joined = new Uint8Array(batch.length * VALUE_BYTES);
  batch.forEach((value, i) => joined.set(value, i * VALUE_BYTES));
  return worker.ask({ joined }, [joined.buffer]);
}

function bytesIn(values: readonly Uint8Array[]): number {
  return values.reduce((sum, { length }) => sum + length, 0);
}

interface Helper extends AsyncDisposable {
  /** Sends a message, and waits for the answer. */
  ask(message: unknown, transfer?: ArrayBuffer[]): Promise<unknown>;
}

function startWorker(): Helper {
  const worker = new Worker(WORKER);
  return {
    async ask(message, transfer = []) {
      const answered = once(worker, "message");
      worker.postMessage(message, transfer);
      return (await answered)[0];
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
