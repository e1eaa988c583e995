/**
 * How many deliveries are under way at once: those that come later wait for their turn, so that a few
 * slow receivers take neither all memory nor all connections. A place that becomes free goes to whose
 * deliveries have fewest, so that nobody's receivers hold up those of others.
 *
 * @module
 */

/** Who wants a place. */
export interface SlotRequest {
  /** For whom it is. */
  readonly owner: object;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** What one owner has, and who waits for more. */
interface Share {
  running: number;
  readonly waiting: Set<() => void>;
}

/** A number of places; to one owner they are given in the order in which they are asked for. */
export class Slots {
  #free: number;
  /** Of owners that have places, or wait for some. */
  readonly #shares = new Map<object, Share>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs something in a place. @throws the reason of `signal` when that comes before there is one */
  async run<Result>(
    use: () => Promise<Result>,
    { owner, signal }: SlotRequest,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const share = this.#shares.get(owner) ?? { running: 0, waiting: new Set() };
    this.#shares.set(owner, share);
    try {
      await this.#place(share, signal);
      try {
        return await use();
      } finally {
        share.running--;
        this.#free++;
        this.#giveOut();
      }
    } finally {
      if (share.running === 0 && share.waiting.size === 0) this.#shares.delete(owner);
    }
  }

  #place(share: Share, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        share.waiting.delete(enter);
        reject(signal!.reason);
      };
      const enter = () => {
        share.waiting.delete(enter);
        signal?.removeEventListener("abort", leave);
        share.running++;
        this.#free--;
        resolve();
      };
      share.waiting.add(enter);
      signal?.addEventListener("abort", leave, { once: true });
      this.#giveOut();
    });
  }

  #giveOut(): void {
    if (this.#free === 0) return;
    const wanting = [...this.#shares.values()].filter(({ waiting }) => waiting.size > 0);
    if (wanting.length === 0) return;
    const [enter] = wanting.reduce((a, b) => b.running < a.running ? b : a).waiting;
    enter!();
  }
}
