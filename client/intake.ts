/**
 * Lets work in, in the order in which it came, as long as there is room for its bytes.
 *
 * @module
 */

/** Work that may have to wait for room. */
export interface Work {
  /**
   * Does as much as there is room for, and takes the bytes.
   *
   * @returns whether all is done; what it throws ends the work, too
   */
  readonly step: () => boolean;
  /** Told when it ended early. */
  readonly reject: (error: unknown) => void;
  /** Ends it while it waits. */
  readonly signal?: AbortSignal;
}

/** Work that waits, with what waits behind it. */
interface Waiting {
  readonly work: Work;
  isOver: boolean;
  next: Waiting | undefined;
  onAbort: (() => void) | undefined;
}

/** A bound on bytes, and the line of those who wait for it. */
export class Intake {
  readonly #bytesMax: number;
  readonly #onFull: () => void;
  #bytes = 0;
  #head: Waiting | undefined;
  #tail: Waiting | undefined;

  /** @param onFull called when something has to wait: what can make room should do so */
  constructor(bytesMax: number, onFull: () => void) {
    this.#bytesMax = bytesMax;
    this.#onFull = onFull;
  }

  /** Bytes that are taken. */
  get bytes(): number {
    return this.#bytes;
  }

  get hasRoom(): boolean {
    return this.#bytes < this.#bytesMax;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Gives bytes back, and lets in who waits for them. */
  give(bytes: number): void {
    this.#bytes -= bytes;
    this.#letIn();
  }

  /** Does the work now, or when there is room and everything before it is done. */
  enter(work: Work): void {
    if (work.signal?.aborted) return work.reject(work.signal.reason);
    if (this.#head === undefined && this.hasRoom && isDone(work)) return;
    this.#wait(work);
    this.#onFull();
  }

  #wait(work: Work): void {
    const waiting: Waiting = { work, isOver: false, next: undefined, onAbort: undefined };
    if (work.signal !== undefined) {
      waiting.onAbort = () => {
        waiting.isOver = true;
        work.reject(work.signal?.reason);
        queueMicrotask(() => this.#letIn()); // it may have been at the head
      };
      work.signal.addEventListener("abort", waiting.onAbort, { once: true });
    }
    if (this.#tail === undefined) this.#head = waiting;
    else this.#tail.next = waiting;
    this.#tail = waiting;
  }

  #letIn(): void {
    for (let first = this.#head; first !== undefined; first = this.#head) {
      if (!first.isOver) {
        if (!this.hasRoom || !isDone(first.work)) return this.#onFull();
        if (first.onAbort !== undefined) {
          first.work.signal?.removeEventListener("abort", first.onAbort);
        }
      }
      this.#head = first.next;
      if (this.#head === undefined) this.#tail = undefined;
    }
  }
}

function isDone(work: Work): boolean {
  try {
    return work.step();
  } catch (error) {
    work.reject(error);
    return true;
  }
}
