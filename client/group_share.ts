/**
 * The partitions that a member of a group has: read as long as they are its own, dropped when they are
 * not.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { AssignedPartition, GroupPlace, Membership } from "../core/group_contract.ts";
import { placeName } from "../core/groups/group_checks.ts";
import { type LostRange, readBatches } from "../core/reading.ts";
import { GroupPart } from "./group_part.ts";
import { MergedBatches } from "./merged_batches.ts";

/** Offsets of one partition that cannot be read any more. */
export interface GroupLostRange extends GroupPlace, LostRange {}

/** How a share is read. */
export interface ShareOptions {
  readonly follow: boolean;
  readonly bufferBytesMax: number;
  /** Ends all reading. */
  readonly signal: AbortSignal;
  /** Without it, what is lost is an error. */
  readonly onLost: ((range: GroupLostRange) => void) | undefined;
  /** Told of a partition that is somebody else's by now, with work that was not committed. */
  readonly onTaken: (part: GroupPart) => void;
}

/** What a partition brings. */
export interface ShareArrival {
  readonly part: GroupPart;
  readonly batch?: BatchView;
  readonly error?: unknown;
}

/** The partitions of one member. */
export class GroupShare {
  readonly #backend: Backend;
  readonly #options: ShareOptions;
  readonly #parts = new Map<string, GroupPart>();
  readonly #merged = new MergedBatches<GroupPart>();
  /** Ends that partitions have lost, and that are an error. */
  readonly #problems: ShareArrival[] = [];
  #awaited = 0;
  /** Whether others may have its partitions: then nothing is handed out. */
  #isLost = false;

  constructor(backend: Backend, options: ShareOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /** All partitions, those that it is to give up included. */
  get parts(): readonly GroupPart[] {
    return [...this.#parts.values()];
  }

  /** Whether all was read, where nobody follows. */
  get isDone(): boolean {
    return !this.#options.follow && !this.#isLost && this.#awaited === 0 &&
      this.#problems.length === 0 && this.parts.every(({ isRead }) => isRead) &&
      this.#merged.isEmpty;
  }

  /** Whether others may have its partitions. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Whether this very part is still its own. */
  has(part: GroupPart): boolean {
    return this.#parts.get(placeName(part)) === part;
  }

  /** The part of a partition, if it has it. */
  at(place: GroupPlace): GroupPart | undefined {
    return this.#parts.get(placeName(place));
  }

  /** The membership is lost until it is told what it has. */
  lose(): void {
    this.#isLost = true;
  }

  /** Takes in what it has, and what it is to give up. */
  told({ partitions, awaited }: Membership): void {
    const assigned = new Map(partitions.map((one) => [placeName(one), one]));
    for (const [key, part] of this.#parts) {
      const now = assigned.get(key);
      if (now !== undefined && part.goesOnAs(now, this.#isLost)) {
        part.since = now.since;
        part.committed = Math.max(part.committed, now.offset);
        part.isLeaving = false;
        assigned.delete(key);
      } else if (now !== undefined || this.#isLost) this.takeAway(part);
      else {
        part.isLeaving = true;
        void this.stopReading(part);
      }
    }
    for (const one of assigned.values()) this.#add(one);
    this.#awaited = awaited;
    this.#isLost = false;
    this.readAll();
    this.wake();
  }

  /** Reads all partitions that are not read, from where they are. */
  readAll(): void {
    for (const part of this.#parts.values()) {
      if (part.reading === undefined && !part.isRead && !part.isLeaving) this.#read(part);
    }
  }

  /** Ends the reading of a partition; what it has brought is forgotten. */
  async stopReading(part: GroupPart): Promise<void> {
    const { reading } = part;
    if (reading === undefined) return;
    part.reading = undefined;
    reading.ending.abort();
    await this.#merged.drop(reading.source).catch(() => {}); // how it ends concerns nobody
  }

  /** Drops a partition. */
  giveUp(part: GroupPart): void {
    if (this.has(part)) this.#parts.delete(placeName(part));
    void this.stopReading(part);
  }

  /** Drops a partition that is somebody else's, whatever is done of it. */
  takeAway(part: GroupPart): void {
    this.giveUp(part);
    if (part.isUncommitted) this.#options.onTaken(part);
  }

  /** What came first; `undefined` when nothing is there. Its partition is read on with `readOn`. */
  take(): ShareArrival | undefined {
    if (this.#isLost) return undefined;
    const problem = this.#problems.shift();
    if (problem !== undefined) return problem;
    for (;;) {
      const arrival = this.#merged.take();
      if (arrival === undefined) return undefined;
      const { source: { place: part }, batch, error } = arrival;
      part.isThere ||= !isNotThereYet(error);
      if (batch !== undefined) return { part, batch };
      void this.stopReading(part);
      if (!this.#passOver(part, error)) return { part, error };
    }
  }

  /** Reads the next batch of a partition. */
  readOn({ reading }: GroupPart): void {
    if (reading !== undefined) this.#merged.readOn(reading.source);
  }

  /** Resolves when something may be there, or is to be looked at. */
  wait(): Promise<void> {
    return this.#merged.wait();
  }

  /** Wakes all who wait. */
  wake(): void {
    this.#merged.wake();
  }

  /** Resolves when nothing is read any more. */
  async close(): Promise<void> {
    await Promise.all(this.parts.map((part) => this.stopReading(part)));
  }

  #add(assigned: AssignedPartition): void {
    const part = new GroupPart(assigned);
    this.#parts.set(placeName(part), part);
    const { rewoundFrom } = assigned;
    if (rewoundFrom === undefined) return;
    const range = { start: assigned.offset, end: rewoundFrom };
    if (!this.#tellLost(part, range)) this.#problems.push({ part, error: lostError(part, range) });
  }

  #read(part: GroupPart): void {
    const ending = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, ending.signal]);
    const source = this.#merged.add(part, this.#batchesOf(part, signal));
    part.reading = { source, ending };
  }

  async *#batchesOf(part: GroupPart, signal: AbortSignal): AsyncGenerator<BatchView, void> {
    const { follow, onLost, bufferBytesMax } = this.#options;
    const { topic, partition } = part;
    yield* readBatches(this.#backend, topic, {
      partition,
      from: part.position,
      ...part.isThere || part.position === 0 ? {} : { minOffset: part.position },
      follow,
      readAheadBytes: Math.ceil(bufferBytesMax / this.#parts.size),
      signal,
      ...onLost === undefined ? {} : { onLost: (range) => void this.#tellLost(part, range) },
    });
    if (!signal.aborted) part.isRead = true;
  }

  /** Goes on behind what retention took, or at an end that was lost, when somebody wants to know. */
  #passOver(part: GroupPart, error: unknown): boolean {
    if (!(error instanceof SeglogError) || error.code !== "offset-out-of-range") return false;
    const { logStartOffset: first, nextOffset: end } = error.details;
    if (typeof first !== "number" || typeof end !== "number") return false;
    const isBelow = part.position < first;
    const range = isBelow
      ? { start: part.position, end: first }
      : { start: end, end: part.position };
    if (range.start >= range.end || !this.#tellLost(part, range)) return false;
    part.position = isBelow ? first : end;
    this.#read(part);
    return true;
  }

  #tellLost({ topic, partition }: GroupPlace, range: LostRange): boolean {
    const { onLost } = this.#options;
    onLost?.({ topic, partition, ...range });
    return onLost !== undefined;
  }
}

/** Whether a copy is behind what was asked for, and may soon have it. */
function isNotThereYet(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "unavailable";
}

function lostError(place: GroupPlace, { start, end }: LostRange): SeglogError {
  return new SeglogError(
    "lost",
    `Cannot go on in ${
      placeName(place)
    }: the group has read up to offset ${end}, and the partition ends at ${start} now; read on to go on there`,
    { details: { topic: place.topic, partition: place.partition, start, end } },
  );
}
