/**
 * What is asked of every log that is a server: it runs in a process of its own, on this machine,
 * and the process that measures is its client.
 *
 * @module
 */
import { type Params, textOf } from "../workload.ts";

/**
 * What an acknowledged publish means: `interval`, that a sync follows within a second (two minutes
 * with NATS, which has it so); `always`, that the record survives a loss of power.
 */
export type Sync = "interval" | "always";

/** A system that is a server. */
export interface ServerSystem {
  /** Starts it with an empty folder for its data. */
  start(folder: string, sync: Sync): Promise<RunningServer>;
  /** Connects to it, and makes the log there when it is the first to. */
  connect(server: RunningServer, sync: Sync): Promise<LogClient>;
}

/** A server that answers. */
export interface RunningServer {
  /** Where it listens, as its own client wants to be told. */
  readonly address: string;
  readonly processId: number;
  stop(): Promise<unknown>;
}

/** A connection to a log. `Input` is how its users hold a batch of values. */
export interface LogClient<Input = unknown> {
  /** How many records its users best publish together, and how many such batches at once. */
  readonly shape: { readonly batch: number; readonly inFlight: number };
  /** A batch as a caller would hold it anyway; not measured. */
  prepare(values: readonly Uint8Array[]): Input;
  /** Publishes a batch; resolves when it is acknowledged, or, with `settle`, when there is room. */
  publish(batch: Input): Promise<unknown>;
  /** Resolves when all that was published is acknowledged: of clients that pipeline by themselves. */
  settle?(): Promise<unknown>;
  /** Publishes and waits for it, where `publish` does not. */
  publishAndWait?(batch: Input): Promise<unknown>;
  /** Reads `count` records from the first one on, looking at each. */
  consume(count: number): Promise<void>;
  close(): Promise<unknown>;
}

/** How a job wants publishes to be acknowledged. */
export function syncOf(params: Params): Sync {
  const sync = textOf(params, "sync");
  if (sync === "interval" || sync === "always") return sync;
  throw new RangeError(`There is no sync "${sync}"`);
}
