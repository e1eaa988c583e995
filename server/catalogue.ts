/**
 * A few small things that the server keeps, all of them in memory: the fold of a compacted topic
 * of its own, in which each is JSON by its key. Whatever writes there is seen, others included.
 *
 * @module
 */
import { caughtUpWith } from "../core/at_origin.ts";
import type { Backend, ReadOptions } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { isNotFound, messageOf, SeglogError } from "../core/base/errors.ts";
import type { LogRecord } from "../core/format/record.ts";
import { readRecords } from "../core/reading.ts";
import { CATALOGUE_LOOK_MS, CATALOGUE_TRIES } from "./limits.ts";

/** Where things are kept, and how they are read. */
export interface CatalogueOptions<Item> {
  /** An internal topic; made with the first thing that is kept. */
  readonly topic: string;
  /** What is kept, from its JSON. @throws what says that it is none */
  readonly parse: (value: unknown) => Item;
  readonly clock: Clock;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
}

/** Things by their keys. */
export class Catalogue<Item> {
  readonly #backend: Backend;
  readonly #options: CatalogueOptions<Item>;
  #items = new Map<string, Item>();
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<(key: string) => void>();
  readonly #failureListeners = new Set<() => void>();
  readonly #waiting = new Set<{ readonly end: number; readonly resolve: () => void }>();
  /** Everything below is in memory. */
  #applied = 0;
  #following: Promise<void> | undefined;
  #failure: unknown;
  #stopLooking = () => {};

  private constructor(backend: Backend, options: CatalogueOptions<Item>) {
    this.#backend = backend;
    this.#options = options;
  }

  /**
   * Reads what is kept. A copy that has not got it yet has everything refused until it has.
   *
   * @throws {SeglogError} as `Backend.batches`, but where there is nothing yet
   */
  static async open<Item>(
    backend: Backend,
    options: CatalogueOptions<Item>,
  ): Promise<Catalogue<Item>> {
    const catalogue = new Catalogue(backend, options);
    try {
      await catalogue.#arrived();
      await catalogue.#look();
    } catch (error) {
      if (backend.following === undefined) throw error;
      catalogue.#fail(error);
    }
    return catalogue;
  }

  /** Whether anything was ever kept, even if it is gone. */
  get isBegun(): boolean {
    this.#check();
    return this.#applied > 0;
  }

  /** What is kept by this key. @throws {SeglogError} when what is kept cannot be read any more */
  get(key: string): Item | undefined {
    this.#check();
    return this.#items.get(key);
  }

  /** All, as they come. @throws as {@linkcode Catalogue.get} */
  values(): MapIterator<Item> {
    this.#check();
    return this.#items.values();
  }

  /** All with their keys, in the order of these. @throws as {@linkcode Catalogue.get} */
  entries(): readonly (readonly [string, Item])[] {
    this.#check();
    return [...this.#items].toSorted(([a], [b]) => a < b ? -1 : 1);
  }

  /** Keeps `value`, and resolves when it is kept and seen. @throws as `Backend.append` */
  async set(key: string, value: Item): Promise<void> {
    await this.#append(key, JSON.stringify(value));
  }

  /**
   * Keeps what `change` makes of what is kept, and nobody else comes in between.
   *
   * @param change gives `undefined` to leave all as it is; called again when others were faster
   * @throws {SeglogError} `conflict` when they always are; as `Backend.append`; what `change` throws
   */
  async update(
    key: string,
    change: (item: Item | undefined) => Item | undefined,
  ): Promise<void> {
    for (let left = CATALOGUE_TRIES;; left--) {
      const value = change(this.get(key));
      if (value === undefined) return;
      try {
        return await this.#append(key, JSON.stringify(value), this.#applied);
      } catch (error) {
        const actual = overtakenAt(error);
        if (actual === undefined) throw error;
        if (left <= 0) {
          const { topic } = this.#options;
          throw new SeglogError("conflict", `Cannot change ${topic}: others always do; try again`);
        }
        this.#follow();
        await this.#reached(actual);
      }
    }
  }

  /** @returns whether there was something */
  async delete(key: string): Promise<boolean> {
    if (this.get(key) === undefined) return false;
    await this.#append(key, null);
    return true;
  }

  /** Calls `listener` with each key whose thing is another, or gone; returns the undoing. */
  onChange(listener: (key: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` whenever it begins that what is kept cannot be read. */
  onFailure(listener: () => void): void {
    this.#failureListeners.add(listener);
  }

  /** Lets go of the topic. */
  async close(): Promise<void> {
    this.#stopLooking();
    this.#stopping.abort();
    await this.#following;
  }

  async #append(
    key: string,
    value: string | null,
    expectedOffset?: number,
  ): Promise<void> {
    this.#check();
    const { topic } = this.#options;
    await this.#backend.ensureTopic(topic, { partitions: 1, compaction: "keys" });
    const record = value === null ? { key, value } : { key, value, type: "json" as const };
    const { end } = await this.#backend.append(topic, [record], {
      ...{ partition: 0, sync: "always", expectedOffset },
    });
    this.#follow();
    await this.#reached(end);
  }

  /** Where others may write, it is looked again and again whether they have begun. */
  async #look(): Promise<void> {
    let end: number;
    try {
      end = (await this.#backend.bounds(this.#options.topic)).nextOffset;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const { capabilities, election, following } = this.#backend;
      const isShared = election !== undefined || following !== undefined;
      if (!capabilities.canWrite || isShared) this.#lookAgain();
      return;
    }
    // Compaction may have taken the last records away: whoever waited for them would wait for ever.
    if (end > 0) await this.#fold({ until: end }, this.#see);
    this.#applied = end;
    this.#follow();
  }

  #lookAgain(): void {
    this.#stopLooking = this.#options.clock.after(CATALOGUE_LOOK_MS, () => {
      this.#look().catch((error) => this.#fail(error));
    });
  }

  #follow(): void {
    const options = { from: this.#applied, follow: true, signal: this.#stopping.signal };
    this.#following ??= this.#fold(options, this.#see).catch((error) => this.#fail(error));
  }

  async #fold(range: ReadOptions, take: (record: LogRecord) => void): Promise<void> {
    const { topic, notice } = this.#options;
    const onLost = ({ start, end }: { start: number; end: number }) =>
      notice(`${topic}: a repair gave up offsets ${start} to ${end}: look at what is kept there`);
    for await (const record of readRecords(this.#backend, topic, { ...range, onLost })) {
      take(record);
    }
  }

  readonly #see = (record: LogRecord): void => {
    this.#apply(this.#items, record);
    const { keyText: key } = record;
    if (key !== null) this.#tell(key);
    this.#applied = record.offset + 1;
    for (const waiting of this.#waiting) {
      if (waiting.end <= this.#applied) waiting.resolve();
    }
  };

  #apply(items: Map<string, Item>, record: LogRecord): void {
    const key = record.keyText;
    if (key === null) return;
    if (record.value === null) items.delete(key);
    else items.set(key, this.#parsed(key, record.text));
  }

  #tell(key: string): void {
    for (const listener of this.#listeners) listener(key);
  }

  #parsed(key: string, text: string): Item {
    try {
      return this.#options.parse(JSON.parse(text));
    } catch (cause) {
      const { topic } = this.#options;
      throw new SeglogError(
        "corrupt",
        `Cannot read ${JSON.stringify(key.slice(0, 80))} of ${topic}: ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  #reached(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#waiting.delete(waiting);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      const waiting = { end, resolve: settle };
      this.#waiting.add(waiting);
      if (this.#applied >= end || this.#failure !== undefined) settle();
    });
  }

  /**
   * From then on everything that needs it is refused: what is not known must not be guessed. All of it
   * is read again before long: there may have been too many files open, say.
   */
  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { topic, notice, clock } = this.#options;
    const begins = this.#failure === undefined;
    this.#failure = error;
    if (begins) {
      notice(`${topic}: ${messageOf(error)}`);
      for (const listener of this.#failureListeners) listener();
    }
    for (const waiting of this.#waiting) waiting.resolve();
    this.#stopLooking = clock.after(CATALOGUE_LOOK_MS, () => {
      this.#readAnew().catch((error) => this.#fail(error));
    });
  }

  /** From the beginning: what was removed meanwhile may have left no trace. */
  async #readAnew(): Promise<void> {
    const { topic, notice } = this.#options;
    const end = await this.#endNow();
    if (end < this.#applied) throw this.#failure; // it is another one: what was in it is not known
    const items = new Map<string, Item>();
    if (end > 0) await this.#fold({ until: end }, (record) => this.#apply(items, record));
    if (this.#stopping.signal.aborted) return;
    const before = this.#items;
    this.#items = items;
    this.#applied = end;
    this.#failure = undefined;
    this.#following = undefined;
    if (end > 0) this.#follow();
    else await this.#look();
    for (const key of new Set([...before.keys(), ...items.keys()])) {
      const isSame = JSON.stringify(before.get(key)) === JSON.stringify(items.get(key));
      if (!isSame) this.#tell(key);
    }
    notice(`${topic}: is read again`);
  }

  /**
   * Resolves when a copy has what its source has: that there is nothing must not be guessed. Where the
   * source is away, a copy counts as it is if it ever was whole: then there was no such topic where it
   * has none. In any other, what was taken back may still be there.
   */
  async #arrived(): Promise<void> {
    const { following } = this.#backend;
    if (following === undefined || following.isReady) return;
    const { topic } = this.#options;
    try {
      await caughtUpWith(this.#backend, topic);
    } catch (error) {
      if (!following.wasWhole) throw error;
      const isKnown = await this.#backend.bounds(topic)
        .then(({ nextOffset }) => nextOffset > 0, isNotFound);
      if (!isKnown) throw error;
    }
  }

  /** Where there was nothing yet, there may be nothing still. */
  async #endNow(): Promise<number> {
    await this.#arrived();
    try {
      return (await this.#backend.bounds(this.#options.topic)).nextOffset;
    } catch (error) {
      if (isNotFound(error) && this.#applied === 0) return 0;
      throw error;
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Where the log ends, when an append was refused because others had been faster. */
function overtakenAt(error: unknown): number | undefined {
  if (!(error instanceof SeglogError) || error.code !== "condition-failed") return undefined;
  const { actual } = error.details;
  return typeof actual === "number" ? actual : undefined;
}
