/**
 * What comes on a stream while something else is being done: all of it at once, in bounded memory.
 *
 * @module
 */

/** How much is gathered. */
export interface GatheringOptions<Item> {
  readonly sizeOf: (item: Item) => number;
  readonly countMax: number;
  /** Bytes; one item is always taken. */
  readonly bytesMax: number;
  /** No more items are taken when it is aborted. */
  readonly signal: AbortSignal;
}

/** Reads a stream ahead as far as there is room. Each step gives all that has come, never nothing. */
export class Gathering<Item> implements AsyncIterable<Item[]> {
  readonly #options: GatheringOptions<Item>;
  #items: Item[] = [];
  #bytes = 0;
  #isOver = false;
  #error: unknown;
  #changed = Promise.withResolvers<void>();

  constructor(source: AsyncIterable<Item>, options: GatheringOptions<Item>) {
    this.#options = options;
    options.signal.addEventListener("abort", this.#stop, { once: true });
    if (options.signal.aborted) this.#stop();
    this.#read(source).catch((error) => this.#error = { error }).finally(this.#stop);
  }

  /** @throws what the stream failed with, when all that came before it was given */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item[], void, undefined> {
    for (;;) {
      if (this.#items.length > 0) {
        const items = this.#items;
        this.#items = [];
        this.#bytes = 0;
        this.#change();
        yield items;
      } else if (this.#isOver) {
        if (this.#error !== undefined) throw (this.#error as { error: unknown }).error;
        return;
      } else await this.#changed.promise;
    }
  }

  /** Reads no more. */
  close(): void {
    this.#options.signal.removeEventListener("abort", this.#stop);
    this.#stop();
  }

  readonly #stop = (): void => {
    this.#isOver = true;
    this.#change();
  };

  async #read(source: AsyncIterable<Item>): Promise<void> {
    const { sizeOf, countMax, bytesMax } = this.#options;
    for await (const item of source) {
      if (this.#isOver) return;
      this.#items.push(item);
      this.#bytes += sizeOf(item);
      this.#change();
      const isFull = () => this.#items.length >= countMax || this.#bytes >= bytesMax;
      while (!this.#isOver && isFull()) await this.#changed.promise;
    }
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
