/**
 * The view of one topic: a table in a file of SQLite's, kept up with the topic. It is no second source
 * of truth: what the topic has and the view not is taken in, what the topic has lost is removed, and
 * where anything is in doubt, the view is made anew.
 *
 * @module
 */
import type { Backend, PartitionInfo, TopicDetails } from "../backend.ts";
import { sleep } from "../base/clock.ts";
import { isNotFound, SeglogError } from "../base/errors.ts";
import { VIEW_BUSY_MS, VIEW_TRIES, VIEW_WAITS_MAX } from "./limits.ts";
import { PartitionFeed } from "./partition_feed.ts";
import { isBusy, isDamage, isRefusedPlace, type Sqlite, viewError } from "./sqlite.ts";
import { Overtaken, removeViewFile, ViewFile } from "./view_file.ts";

/** How far a view has come that is being made, in records or what is left of them. */
export interface ViewProgress {
  readonly done: number;
  readonly total: number;
}

/** Indexes to be made in a file. */
export interface IndexWork {
  readonly path: string;
  /** The topic that it is the view of. */
  readonly topic: { readonly name: string; readonly id: string };
  readonly indexes: readonly string[];
}

/** What a view is made with. */
export interface TopicViewOptions {
  readonly sqlite: Sqlite;
  /** Where its file may be, best first: one that cannot be written is passed over. */
  readonly places: readonly (() => string)[];
  /** Paths that indexes shall be on. */
  readonly indexes?: readonly string[];
  /**
   * Makes the indexes of a file that has rows. It takes long, and is better done by another process;
   * done here unless given.
   */
  readonly index?: (work: IndexWork) => Promise<void>;
  /** Takes what should be known: that a view was made anew, and why. */
  readonly notice?: (text: string) => void;
}

/** How often a file that is damaged is made anew within one run. */
const REPAIRS_MAX = 3;

/** Keeps one view up. */
export class TopicView {
  readonly topic: string;
  readonly #backend: Backend;
  readonly #options: TopicViewOptions;
  readonly #ending = new AbortController();
  #indexes: readonly string[];
  #file: ViewFile | undefined;
  #topicId = "";
  /** Partitions whose last record was compared with the log since the file was opened. */
  readonly #checked = new Set<number>();
  #place = 0;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;
  #progress: ViewProgress = { done: 0, total: 0 };

  constructor(backend: Backend, topic: string, options: TopicViewOptions) {
    this.#backend = backend;
    this.topic = topic;
    this.#options = options;
    this.#indexes = options.indexes ?? [];
  }

  /** The file, for readers. There is one once the view has caught up. */
  get path(): string {
    return this.#file?.path ?? "";
  }

  /** How far the run under way has come. */
  get progress(): ViewProgress {
    return this.#progress;
  }

  /** Paths that indexes shall be on, from the next run on. */
  set indexes(paths: readonly string[]) {
    this.#indexes = paths;
  }

  /**
   * Takes in everything that is in the topic at the time of the call. Those who call while a run is
   * under way share the next one: the one under way may have looked already.
   *
   * @throws {SeglogError} `not-found`; `corrupt`; `closed`; `disk-full`; `overloaded` when the topic
   * changes all the time
   */
  catchUp(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#waiting ??= this.#running.catch(() => {}).then(() => {
      this.#waiting = undefined;
      return this.#start();
    });
    return this.#waiting;
  }

  /** Makes the view anew with the next run: a reader found its file damaged. */
  async discard(): Promise<void> {
    await this.#running?.catch(() => {});
    this.#drop();
  }

  /** Ends what is under way, and lets go of the file. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running?.catch(() => {});
    this.#release();
  }

  #start(): Promise<void> {
    this.#running = this.#run().finally(() => this.#running = undefined);
    return this.#running;
  }

  async #run(): Promise<void> {
    let repairs = 0;
    let waits = 0;
    for (let tries = 0; tries < VIEW_TRIES; tries++) {
      this.#checkOpen();
      try {
        if (await this.#attempt()) return;
      } catch (error) {
        if (isDamage(error) && repairs++ < REPAIRS_MAX) this.#repair(error);
        else if (isBusy(error) && waits++ < VIEW_WAITS_MAX) {
          tries--;
          await sleep(VIEW_BUSY_MS, this.#ending.signal);
        } else if (!(error instanceof Overtaken || isMoved(error))) {
          if (isNotFound(error)) this.#release();
          throw viewError(this.topic, error);
        }
      }
    }
    throw new SeglogError(
      "overloaded",
      `Cannot bring the view of "${this.topic}" up to date: the topic changed each of ${VIEW_TRIES} times; try again`,
    );
  }

  /** @returns whether the topic stayed what it was while it was read */
  async #attempt(): Promise<boolean> {
    const details = await this.#backend.describeTopic(this.topic);
    const file = this.#opened(details);
    await this.#index(file, details);
    const feeds = details.partitions.map((info) =>
      new PartitionFeed(this.#backend, { topic: this.topic, file, info, check: this.#checkOpenNow })
    );
    for (const feed of feeds) {
      if (!this.#checked.has(feed.partition)) await feed.checkWitness();
      this.#checked.add(feed.partition);
    }
    const behind = feeds.filter((feed) => feed.isBehind);
    if (behind.length === 0) return true;
    const total = behind.reduce((sum, { work }) => sum + work, 0);
    let before = 0;
    for (const feed of behind) {
      await feed.catchUp((done) => this.#progress = { done: before + done, total });
      before += feed.work;
    }
    const after = await this.#backend.describeTopic(this.topic);
    return after.id === details.id && file.hasIndexes(this.#indexes) &&
      details.partitions.every((info, partition) => isUnmoved(info, after.partitions[partition]!));
  }

  async #index(file: ViewFile, { name, id }: TopicDetails): Promise<void> {
    const indexes = this.#indexes;
    if (file.hasIndexes(indexes)) return;
    const { index } = this.#options;
    if (index === undefined || file.isEmpty) return file.setIndexes(indexes);
    await index({ path: file.path, topic: { name, id }, indexes });
  }

  /** The file that is open, or is opened: where it can be. */
  #opened(topic: TopicDetails): ViewFile {
    if (this.#file?.isCurrent && this.#topicId === topic.id) return this.#file;
    this.#release();
    const { places, sqlite } = this.#options;
    for (;; this.#place++) {
      const path = places[this.#place]!();
      try {
        this.#file = ViewFile.open(sqlite, path, topic);
        this.#topicId = topic.id;
        return this.#file;
      } catch (error) {
        if (isDamage(error)) {
          removeViewFile(path);
          throw error;
        }
        if (!isRefusedPlace(error) || this.#place + 1 === places.length) throw error;
      }
    }
  }

  #repair(error: unknown): void {
    this.#options.notice?.(
      `the view of "${this.topic}" is damaged, and is made anew from the topic: ${
        (error as Error).message
      }`,
    );
    this.#drop();
  }

  #drop(): void {
    const path = this.#file?.path;
    this.#release();
    if (path !== undefined) removeViewFile(path);
  }

  #release(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#checked.clear();
  }

  readonly #checkOpenNow = () => this.#checkOpen();

  #checkOpen(): void {
    if (!this.#ending.signal.aborted) return;
    throw new SeglogError("closed", `Cannot use the view of "${this.topic}": it is closed`);
  }
}

/** Whether a partition lost nothing between two looks; what was appended since is another matter. */
function isUnmoved(before: PartitionInfo, after: PartitionInfo): boolean {
  return before.truncations === after.truncations &&
    before.logStartOffset === after.logStartOffset && before.compactedTo === after.compactedTo;
}

/** A truncation has overtaken the reader. */
function isMoved(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "offset-out-of-range";
}
