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
  QUERY_WORKER_LOOK_MS,
  QUERY_WORKER_MEMORY_BYTES,
  QUERY_WORKER_MEMORY_BYTES_MAX,
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
  readonly owner: object;
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
  /** How many processes work for an owner. */
  readonly #busy = new Map<object, number>();
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
   * @param owner for whom it is: one of them never has all processes
   * @returns the lines of its answer, the last of which is an end
   * @throws the reason of the signal; {@linkcode WorkerEnded}; {@linkcode SeglogError} `overloaded`
   */
  async *run(
    request: WorkerRequest,
    { owner, signal }: { readonly owner: object; readonly signal: AbortSignal },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const worker = await this.#acquire(owner, signal);
    const end = () => void worker.kill();
    let isDone = false;
    signal.addEventListener("abort", end, { once: true });
    const watch = setInterval(() => {
      if (worker.memoryBytes > QUERY_WORKER_MEMORY_BYTES_MAX) end();
    }, QUERY_WORKER_LOOK_MS);
    try {
      if (signal.aborted) throw signal.reason;
      worker.ask(requestLine(request));
      while (!isDone) {
        const line = await worker.line();
        isDone = line[0] !== TAG.columns && line[0] !== TAG.row;
        if (isDone) {
          signal.removeEventListener("abort", end); // from now on it works for others
          clearInterval(watch);
          this.#leave(owner);
          this.#finish(worker, line);
        }
        yield line;
      }
    } catch (error) {
      if (!(error instanceof WorkerEnded)) throw error;
      throw signal.aborted ? signal.reason : this.#isClosed ? closed() : error;
    } finally {
      clearInterval(watch);
      signal.removeEventListener("abort", end);
      if (!isDone) {
        this.#leave(owner);
        void this.#discard(worker).then(() => this.#serveWaiting());
      }
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

  async #acquire(owner: object, signal: AbortSignal): Promise<WorkerProcess> {
    if (this.#isClosed) throw closed();
    const worker = this.#mayHaveMore(owner) ? this.#free() : undefined;
    if (worker !== undefined) return this.#taken(worker, owner);
    if (this.#waiting.size < QUERIES_WAITING_MAX) return await this.#waitFor(owner, signal);
    throw new SeglogError(
      "overloaded",
      `Cannot run the query: ${QUERIES_WAITING_MAX} others wait already; try again`,
    );
  }

  /** A process that has nothing to do; a new one where there may be one more. */
  #free(): WorkerProcess | undefined {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.cancel();
      if (idle.worker.isAlive) return idle.worker;
      this.#all.delete(idle.worker);
    }
    return this.#all.size < this.#workersMax ? this.#started() : undefined;
  }

  #taken(worker: WorkerProcess, owner: object): WorkerProcess {
    worker.hold(true);
    this.#busy.set(owner, (this.#busy.get(owner) ?? 0) + 1);
    return worker;
  }

  #leave(owner: object): void {
    const left = this.#busy.get(owner)! - 1;
    if (left === 0) this.#busy.delete(owner);
    else this.#busy.set(owner, left);
  }

  #mayHaveMore(owner: object): boolean {
    return (this.#busy.get(owner) ?? 0) < Math.max(1, this.#workersMax - 1);
  }

  #waitFor(owner: object, signal: AbortSignal): Promise<WorkerProcess> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        signal.removeEventListener("abort", giveUp);
      };
      const waiter: Waiter = {
        owner,
        take: (worker) => (leave(), resolve(this.#taken(worker, owner))),
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
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) return waiter.take(worker);
    worker.hold(false);
    const cancel = this.#clock.after(QUERY_WORKER_IDLE_MS, () => {
      const place = this.#idle.findIndex((idle) => idle.worker === worker);
      if (place >= 0) this.#idle.splice(place, 1);
      void this.#discard(worker);
    });
    this.#idle.push({ worker, cancel });
  }

  #nextWaiter(): Waiter | undefined {
    return [...this.#waiting].find(({ owner }) => this.#mayHaveMore(owner));
  }

  async #discard(worker: WorkerProcess): Promise<void> {
    await worker.kill();
    this.#all.delete(worker);
  }

  /** A process has ended: another one takes its place, for who waits or comes next. */
  #serveWaiting(): void {
    if (this.#isClosed || this.#all.size >= this.#workersMax) return;
    if (this.#nextWaiter() !== undefined) this.#release(this.#started());
    else this.warm();
  }
}

function closed(): SeglogError {
  return new SeglogError("closed", "Cannot run the query: the server stops");
}
