/**
 * The processes that run queries: started when they are needed, kept warm, ended when a query takes
 * too long, and replaced when they have done enough.
 *
 * @module
 */
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import {
  QUERIES_WAITING_MAX,
  QUERY_MS_MAX,
  QUERY_WORKER_CPU_MS,
  QUERY_WORKER_IDLE_MS,
  QUERY_WORKER_MEMORY_BYTES,
  QUERY_WORKERS_MAX,
} from "./limits.ts";
import { type AnswerEnd, contentOf, requestLine, TAG, type WorkerRequest } from "./protocol.ts";
import { WorkerEnded, WorkerProcess } from "./worker_process.ts";

/** How many processes there are, and for how long. */
export interface WorkerPoolOptions {
  /** {@linkcode QUERY_WORKERS_MAX} unless given. */
  readonly workersMax?: number;
  /** Longest time of one query; {@linkcode QUERY_MS_MAX} unless given. */
  readonly queryMsMax?: number;
  readonly clock?: Clock;
}

/** Who waits for a process. */
interface Waiter {
  readonly take: (worker: WorkerProcess) => void;
  readonly refuse: (error: unknown) => void;
}

/** Runs queries in processes of their own. */
export class WorkerPool {
  readonly #workersMax: number;
  readonly #cpuSeconds: number;
  readonly #clock: Clock;
  readonly #all = new Set<WorkerProcess>();
  /** The one that was used last is at the end, and is the next to be used. */
  readonly #idle: { readonly worker: WorkerProcess; readonly cancel: () => void }[] = [];
  readonly #waiting = new Set<Waiter>();
  #isClosed = false;

  constructor(options: WorkerPoolOptions = {}) {
    this.#workersMax = options.workersMax ?? QUERY_WORKERS_MAX;
    const queryMsMax = options.queryMsMax ?? QUERY_MS_MAX;
    this.#cpuSeconds = Math.ceil((QUERY_WORKER_CPU_MS + 2 * queryMsMax) / 1000);
    this.#clock = options.clock ?? systemClock;
  }

  /** Starts a process where there is none that could be asked: it takes some time until it can. */
  warm(): void {
    if (this.#all.size === 0 && !this.#isClosed) this.#release(this.#started());
  }

  /**
   * Runs one query, or makes indexes. Whoever stops taking lines ends the process, if it is not done yet.
   *
   * @returns the lines of its answer, the last of which is an end
   * @throws the reason of the signal; {@linkcode WorkerEnded}; {@linkcode SeglogError} `overloaded`
   */
  async *run(
    request: WorkerRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const worker = await this.#acquire(signal);
    const end = () => void worker.kill();
    let isDone = false;
    signal.addEventListener("abort", end, { once: true });
    try {
      if (signal.aborted) throw signal.reason;
      worker.ask(requestLine(request));
      while (!isDone) {
        const line = await worker.line();
        isDone = line[0] !== TAG.columns && line[0] !== TAG.row;
        if (isDone) {
          signal.removeEventListener("abort", end); // from now on it works for others
          this.#finish(worker, line);
        }
        yield line;
      }
    } catch (error) {
      if (!(error instanceof WorkerEnded)) throw error;
      throw signal.aborted ? signal.reason : this.#isClosed ? closed() : error;
    } finally {
      signal.removeEventListener("abort", end);
      if (!isDone) void this.#discard(worker).then(() => this.#serveWaiting());
    }
  }

  /** Ends all processes, what they do included. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { cancel } of this.#idle.splice(0)) cancel();
    for (const { refuse } of this.#waiting) refuse(closed());
    this.#waiting.clear();
    await Promise.all([...this.#all].map((worker) => this.#discard(worker)));
  }

  #acquire(signal: AbortSignal): Promise<WorkerProcess> {
    if (this.#isClosed) return Promise.reject(closed());
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.cancel();
      if (idle.worker.isAlive) {
        idle.worker.hold(true);
        return Promise.resolve(idle.worker);
      }
      this.#all.delete(idle.worker);
    }
    if (this.#all.size < this.#workersMax) return Promise.resolve(this.#started());
    if (this.#waiting.size >= QUERIES_WAITING_MAX) {
      return Promise.reject(
        new SeglogError(
          "overloaded",
          `Cannot run the query: ${QUERIES_WAITING_MAX} others wait already; try again`,
        ),
      );
    }
    return this.#waitFor(signal);
  }

  #waitFor(signal: AbortSignal): Promise<WorkerProcess> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        signal.removeEventListener("abort", giveUp);
      };
      const waiter: Waiter = {
        take: (worker) => (leave(), resolve(worker)),
        refuse: (error) => (leave(), reject(error)),
      };
      const giveUp = () => waiter.refuse(signal.reason);
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(waiter);
    });
  }

  #started(): WorkerProcess {
    const worker = new WorkerProcess(this.#cpuSeconds);
    this.#all.add(worker);
    return worker;
  }

  /** What has done much goes: its time is bounded by the system, and its memory would stay. */
  #finish(worker: WorkerProcess, line: Uint8Array): void {
    const { cpuMs, memoryBytes } = line[0] === TAG.end
      ? contentOf<AnswerEnd>(line)
      : { cpuMs: 0, memoryBytes: 0 };
    const isSpent = cpuMs >= QUERY_WORKER_CPU_MS || memoryBytes >= QUERY_WORKER_MEMORY_BYTES;
    if (isSpent) void this.#discard(worker).then(() => this.#serveWaiting());
    else this.#release(worker);
  }

  #release(worker: WorkerProcess): void {
    if (this.#isClosed) return;
    const [waiter] = this.#waiting;
    if (waiter !== undefined) return waiter.take(worker);
    worker.hold(false);
    const cancel = this.#clock.after(QUERY_WORKER_IDLE_MS, () => {
      const place = this.#idle.findIndex((idle) => idle.worker === worker);
      if (place >= 0) this.#idle.splice(place, 1);
      void this.#discard(worker);
    });
    this.#idle.push({ worker, cancel });
  }

  async #discard(worker: WorkerProcess): Promise<void> {
    await worker.kill();
    this.#all.delete(worker);
  }

  /** A process has ended: another one takes its place, for who waits or comes next. */
  #serveWaiting(): void {
    if (this.#isClosed || this.#all.size >= this.#workersMax) return;
    if (this.#waiting.size > 0) this.#release(this.#started());
    else this.warm();
  }
}

function closed(): SeglogError {
  return new SeglogError("closed", "Cannot run the query: the server stops");
}
