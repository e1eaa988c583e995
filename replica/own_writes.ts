/**
 * What a node has done at its source, until its copy shows it: whoever reads through the node waits for
 * that, and for no more.
 *
 * @module
 */
import type { AppendOptions, AppendResult, Backend, Bounds, TopicInfo } from "../core/backend.ts";
import { type Clock, sleep } from "../core/base/clock.ts";
import { isNotFound, SeglogError } from "../core/base/errors.ts";
import type { Store } from "../core/store/store.ts";
import { Fences } from "./fences.ts";
import type { Replica } from "./replica.ts";

/** What it works with. */
export interface OwnWritesParts {
  readonly source: Backend;
  readonly local: Store;
  /** Brings what the source has into the local store. */
  readonly replica: Pick<Replica, "look" | "reached">;
  readonly clock: Clock;
  /** How long a reader waits. */
  readonly waitMs: number;
}

/** Which records a reader wants. */
export interface Wanted {
  /** It reads only what is below this offset. */
  readonly below?: number | undefined;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** How long the source may take to tell whether a topic is still the same. */
const LOOK_MS = 1000;
/** Before the source is looked at again for a topic that has not come. */
const LOOK_PAUSE_MS = 100;

/** Knows what was acknowledged through a node. */
export class OwnWrites {
  readonly #parts: OwnWritesParts;
  readonly #fences = new Fences();
  /** Changes of topics that were acknowledged, and how many of them the copy has. */
  #changes = 0;
  #changesSeen = 0;

  constructor(parts: OwnWritesParts) {
    this.#parts = parts;
  }

  /** Records were appended. Resolves when a topic that this made is there. */
  async appended({ topic, partition, end }: AppendResult): Promise<void> {
    this.#fences.raise(topic, partition, { end });
    if (await this.#localBounds(topic, partition) === undefined) await this.topicsChanged();
  }

  /**
   * An append was refused because others were faster: whoever tries again has to see what they wrote.
   */
  refused(error: unknown, topic: string, { partition, expectedOffset }: AppendOptions): void {
    if (!(error instanceof SeglogError) || error.code !== "condition-failed") return;
    const { expected, actual } = error.details;
    if (partition === undefined || expected !== expectedOffset || typeof actual !== "number") {
      return;
    }
    this.#fences.raise(topic, partition, { end: actual });
  }

  /** Records were removed from the start of a partition. */
  truncated(topic: string, partition: number, { logStartOffset: start }: Bounds): void {
    this.#fences.raise(topic, partition, { start, end: start });
  }

  /** Records were removed from the end of a partition. Resolves when the copy is made anew. */
  async cutOff(topic: string, partition: number, { nextOffset: end }: Bounds): Promise<void> {
    this.#fences.clear(topic);
    await this.topicsChanged();
    this.#fences.raise(topic, partition, { end });
  }

  /** A topic was deleted. Resolves when it is gone here, too. */
  async deleted(topic: string): Promise<void> {
    this.#fences.clear(topic);
    await this.topicsChanged();
  }

  /**
   * A topic was made, or found to be there. Resolves when the copy has it, or it takes too long: of a
   * source that is many servers, one may answer that has not heard of it yet.
   */
  async topicThere({ id }: TopicInfo): Promise<void> {
    this.#changes++;
    const { local, replica } = this.#parts;
    const isHere = async () => (await local.listTopics()).some((there) => there.id === id);
    const arrival = this.#inTime(async (late) => {
      await this.topicsSeen().catch(() => {});
      while (!late.aborted && !await isHere()) {
        await sleep(LOOK_PAUSE_MS, late);
        if (!late.aborted) await replica.look().catch(() => {}); // the next one may tell
      }
    });
    await arrival.catch(() => {}); // as with any change
  }

  /** Topics were made, configured or deleted. Resolves when the copy has them, or readers wait. */
  async topicsChanged(): Promise<void> {
    this.#changes++;
    await this.topicsSeen().catch(() => {}); // it is done in any case: whoever reads is told
  }

  /** Resolves when the copy has all such changes. @throws {SeglogError} `unavailable`; of the source */
  async topicsSeen(): Promise<void> {
    while (this.#changesSeen < this.#changes) {
      const changes = this.#changes;
      await this.#inTime(() => this.#parts.replica.look());
      this.#changesSeen = Math.max(this.#changesSeen, changes);
    }
  }

  /**
   * Resolves when the copy has everything of a topic that was acknowledged here.
   *
   * @throws {SeglogError} `unavailable` when that does not come in time
   */
  async topicSeen(topic: string): Promise<void> {
    await this.topicsSeen();
    const partitions = this.#fences.partitionsOf(topic);
    await Promise.all(partitions.map((partition) => this.seen(topic, partition)));
  }

  /** The same of one partition, as far as it matters for what is wanted. */
  async seen(topic: string, partition: number, { below, signal }: Wanted = {}): Promise<void> {
    if (this.#changesSeen < this.#changes) await this.topicsSeen();
    const fence = this.#fences.of(topic, partition);
    if (fence === undefined) return;
    const bounds = await this.#localBounds(topic, partition);
    if (bounds === undefined || bounds.nextOffset < fence.end) {
      const isBehind = bounds !== undefined && below !== undefined && below <= bounds.nextOffset;
      if (isBehind && fence.start <= bounds.logStartOffset) return;
      if (!await this.#reached(topic, { partition, end: fence.end, signal })) return;
    }
    if (fence.start > 0) await this.#beginAt(topic, partition, fence.start);
    this.#fences.passed(topic, partition, fence);
  }

  /** @returns false where there is nothing to wait for any more */
  async #reached(
    topic: string,
    { partition, end, signal }: {
      readonly partition: number;
      readonly end: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<boolean> {
    const { replica } = this.#parts;
    try {
      await this.#inTime((late) => replica.reached(topic, partition, end, late), signal);
      return true;
    } catch (error) {
      const isGone = isNotFound(error) ||
        (isLate(error) && await this.#isReplaced(topic, partition, end));
      if (!isGone) throw error;
      this.#fences.clear(topic);
      return false;
    }
  }

  /**
   * Whether somebody else has deleted the topic since, and perhaps made another one. Who asks has waited
   * long enough: what the source does not tell soon is not so.
   */
  async #isReplaced(topic: string, partition: number, end: number): Promise<boolean> {
    const { source, clock } = this.#parts;
    const isReplaced = source.bounds(topic, partition)
      .then(({ nextOffset }) => nextOffset < end, isNotFound);
    return await new Promise((resolve) => {
      const cancel = clock.after(LOOK_MS, () => resolve(false));
      isReplaced.then(resolve).finally(cancel);
    });
  }

  async #beginAt(topic: string, partition: number, start: number): Promise<void> {
    const mirror = await this.#parts.local.mirrorTarget!.openMirror(topic, partition);
    if ((await mirror.bounds()).logStartOffset < start) await mirror.truncateBefore(start);
  }

  async #localBounds(topic: string, partition: number): Promise<Bounds | undefined> {
    try {
      return await this.#parts.local.bounds(topic, partition);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** @throws {SeglogError} `unavailable` when it takes too long */
  #inTime<Result>(
    run: (late: AbortSignal) => Promise<Result>,
    signal?: AbortSignal,
  ): Promise<Result> {
    const { clock, waitMs } = this.#parts;
    const ending = new AbortController();
    const end = () => ending.abort(signal?.reason);
    return new Promise<Result>((resolve, reject) => {
      const cancel = clock.after(waitMs, () => ending.abort(late(waitMs)));
      ending.signal.addEventListener("abort", () => reject(ending.signal.reason), { once: true });
      signal?.addEventListener("abort", end, { once: true });
      if (signal?.aborted) end();
      run(ending.signal).then(resolve, reject).finally(() => {
        cancel();
        signal?.removeEventListener("abort", end);
      });
    });
  }
}

function late(waitMs: number): SeglogError {
  return new SeglogError(
    "unavailable",
    `Cannot read what was written through this node yet: its copy has not got it after ${waitMs} ms; ` +
      "what was acknowledged is kept; try again",
    { details: { isLate: true } },
  );
}

function isLate(error: unknown): boolean {
  return error instanceof SeglogError && error.details.isLate === true;
}
