/**
 * The one writer of a log: takes appends to the disk together, rolls, truncates, and gives up when
 * the disk can no longer be believed.
 *
 * Appends that come while a sync runs are encoded meanwhile; when it returns they are written and
 * synced together. That is group commit, as in databases since DeWitt et al., "Implementation
 * Techniques for Main Memory Database Systems" (1984).
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import { SEGMENTS_MAX, WRITE_BEHIND_BYTES } from "../base/limits.ts";
import { Mutex } from "../base/mutex.ts";
import { outOfRange } from "../base/offset_errors.ts";
import { split } from "../base/split.ts";
import { endOfTurn } from "../base/turn.ts";
import type { BatchView } from "../format/batch.ts";
import type { ProducerStamp } from "../format/producer_field.ts";
import { checkBatch, checkStoredBatch } from "../format/check_batch.ts";
import type { GapReason } from "../format/gap_reason.ts";
import type { LogSettings } from "../format/log_settings.ts";
import type { RecordInput } from "../format/record.ts";
import type { SyncPolicy } from "../format/sync_mode.ts";
import { type AppendedRange, AppendQueue, type AppendWork, type Waiter } from "./append_queue.ts";
import { BackgroundSync } from "./background_sync.ts";
import { Compactor } from "./compactor.ts";
import type { Skip } from "./gaps.ts";
import { syncPolicyOf, type WriteOptions } from "./options.ts";
import type { OwnedState } from "./owned_state.ts";
import { keptStart } from "./retain.ts";
import { writeWork } from "./write_work.ts";

/** Writes one log. Everything that touches its files runs one at a time. */
export class LogWriter {
  readonly #state: OwnedState;
  readonly #clock: Clock;
  readonly #mutex = new Mutex();
  readonly #queue: AppendQueue;
  #settings: LogSettings;
  #syncPolicy: SyncPolicy;
  #isPumping = false;
  #isClosing = false;
  #hasRolled = false;
  readonly #backgroundSync: BackgroundSync;
  /** Rewrites sealed segments beside the writer. */
  readonly compactor: Compactor;

  constructor(state: OwnedState, settings: LogSettings, clock: Clock) {
    this.#state = state;
    this.#settings = settings;
    this.#clock = clock;
    this.#syncPolicy = syncPolicyOf(settings.sync);
    this.#queue = new AppendQueue(state.nextOffset, () => this.#settings.compression);
    this.#backgroundSync = new BackgroundSync(clock, () => this.#sync().catch(() => {})); // the state says so
    this.compactor = new Compactor(state, {
      settings: () => this.#settings,
      clock,
      exclusively: (change) => this.#mutex.run(change),
    });
  }

  /** Changes the settings; an append under way may still see the old ones. */
  configure(settings: LogSettings): void {
    this.#settings = settings;
    this.#syncPolicy = syncPolicyOf(settings.sync);
  }

  /** Appends records as one atomic batch. Throws as `Backend.append` says. */
  append(records: readonly RecordInput[], options: WriteOptions = {}): Promise<AppendedRange> {
    const { producer } = options;
    return this.#append(options, producer, () => {
      if (records.length === 0) {
        throw new SeglogError(
          "invalid-argument",
          `Cannot append to ${this.#state.name}: no records`,
        );
      }
      return this.#queue.add(records, this.#clock.now(), producer);
    });
  }

  /** Appends a batch that is encoded already, and brings its producer. */
  appendBatch(
    batch: BatchView,
    options: Omit<WriteOptions, "producer"> = {},
  ): Promise<AppendedRange> {
    checkBatch(batch);
    return this.#append(options, batch.producer(), () => this.#queue.addBatch(batch));
  }

  /** Takes in a batch as another log has it, when its offsets are the next. Its producer is noted only. */
  appendMirrored(batch: BatchView): Promise<AppendedRange> {
    checkStoredBatch(batch);
    const producer = batch.producer();
    this.#checkWritable();
    this.#checkExpected(batch.baseOffset);
    const range = this.#queue.addMirrored(batch);
    if (producer !== undefined) this.#state.producers.expect(producer, range);
    return this.#acknowledge(this.#syncPolicy, range);
  }

  /** Goes on at an offset: those before it hold no records. @throws {SeglogError} `offset-out-of-range` */
  async skipTo(offset: number, reason: GapReason): Promise<void> {
    this.#checkWritable();
    const { nextOffset } = this.#queue;
    if (!(Number.isSafeInteger(offset) && offset >= nextOffset)) {
      const { name, logStartOffset } = this.#state;
      throw outOfRange(name, offset, { logStartOffset, nextOffset });
    }
    await this.#acknowledge({ kind: "os" }, this.#queue.skipTo(offset, reason));
  }

  /** Notes that below an offset records may be missing that later ones with the same key replace. */
  noteCompacted(offset: number): Promise<void> {
    return this.#mutex.run(() => this.#state.noteCompacted(offset));
  }

  /** Everything is checked before anything is queued: what is queued will be written. */
  #append(
    options: WriteOptions,
    producer: ProducerStamp | undefined,
    enqueue: () => AppendedRange,
  ): Promise<AppendedRange> {
    this.#checkWritable();
    const sync = options.sync === undefined ? this.#syncPolicy : syncPolicyOf(options.sync);
    const { producers } = this.#state;
    const done = producer === undefined ? undefined : producers.check(producer);
    if (done !== undefined) return this.#acknowledge(sync, { start: done.start, end: done.end });
    this.#checkExpected(options.expectedOffset);
    const range = enqueue();
    if (producer !== undefined) producers.expect(producer, range);
    return this.#acknowledge(sync, range);
  }

  /** Resolves when everything appended so far survives a loss of power. */
  async flush(): Promise<void> {
    this.#checkWritable();
    await this.#acknowledge({ kind: "always" }, this.#queue.end);
  }

  /** Makes `offset` the first readable one. @throws {SeglogError} `offset-out-of-range` */
  truncateBefore(offset: number): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkWritable();
      const state = this.#state;
      if (offset > state.nextOffset) throw outOfRange(state.name, offset, state);
      if (offset <= state.logStartOffset) return;
      if (offset > state.durableOffset) await this.#sync();
      await state.truncateBefore(offset);
    });
  }

  /** Removes all records above `offset`. @throws {SeglogError} `offset-out-of-range` */
  truncateAfter(offset: number): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkWritable();
      const state = this.#state;
      const start = offset + 1;
      if (start < state.logStartOffset || start > state.nextOffset) {
        throw outOfRange(state.name, offset, state);
      }
      if (start === state.nextOffset) return;
      if (start === state.logStartOffset) {
        if (state.nextOffset > state.durableOffset) await this.#sync();
        return await state.truncateBefore(state.nextOffset);
      }
      if (!state.active.isEmpty) await this.#roll();
      await state.removeRange(start, state.active.baseOffset);
    });
  }

  /** Seals all that was appended so far. */
  roll(): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkWritable();
      if (!this.#state.active.isEmpty) await this.#roll();
    });
  }

  /** Rolls a segment that is old enough, and drops what retention no longer keeps. */
  maintain(): Promise<void> {
    return this.#mutex.run(async () => {
      this.#checkWritable();
      if (this.#isAged()) await this.#roll();
      this.#hasRolled = false;
      await this.#retain();
      void this.compactor.buildFilters();
    });
  }

  /** Finishes what waits, and closes the log in good order where that is still possible. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const state = this.#state;
    const wasPoisoned = state.isPoisoned;
    await this.compactor.end();
    try {
      // What waits and fails is told to those who wait for it; the rest is closed in good order.
      await this.#acknowledge({ kind: "os" }, this.#queue.end).catch(() => {});
      await this.#mutex.run(async () => {
        await this.#backgroundSync.end();
        if (wasPoisoned) return; // whoever it concerned was told
        await this.#syncExactly();
        await state.markClean();
      });
    } finally {
      state.close();
    }
  }

  #checkWritable(): void {
    this.#state.checkWritable();
    if (!this.#isClosing) return;
    throw new SeglogError("closed", `Cannot use ${this.#state.name}: the log is closing`);
  }

  #checkExpected(expected: number | undefined): void {
    const actual = this.#queue.nextOffset;
    if (expected === undefined || expected === actual) return;
    throw new SeglogError(
      "condition-failed",
      `Cannot append to ${this.#state.name} at offset ${expected}: the next offset is ${actual}`,
      { details: { expected, actual } },
    );
  }

  /** Waits until everything below the end of a range is acknowledged. */
  #acknowledge(sync: SyncPolicy, range: AppendedRange): Promise<AppendedRange> {
    const acknowledged = this.#queue.wait(sync, range);
    if (!this.#isPumping) {
      this.#isPumping = true;
      queueMicrotask(() => this.#pump());
    }
    return acknowledged;
  }

  /** Takes work to the disk for as long as there is any. Callers of one turn share the first run. */
  async #pump(): Promise<void> {
    while (!this.#queue.isEmpty) {
      await this.#mutex.run(() => this.#commit());
      if (this.#isBehind()) await endOfTurn(); // a sync that is done is heard of then
      // Old segments that cannot be dropped are no failure of an append: maintain() tells its caller.
      if (this.#hasRolled) await this.maintain().catch(() => {});
    }
    this.#isPumping = false;
  }

  /** Takes what waits, writes, syncs, publishes, and only then tells those who wait. */
  async #commit(): Promise<void> {
    const state = this.#state;
    let work: AppendWork;
    try {
      state.checkOwned();
      work = this.#queue.take();
    } catch (error) { // the log is not ours any more, or a batch could not be finished
      return this.#turnAway([], error as Error);
    }
    let failure: Error | undefined;
    try {
      await writeWork(state, work, {
        segmentBytes: this.#settings.segmentBytes,
        isAged: () => this.#isAged(),
        roll: (skip) => this.#roll(skip),
      });
    } catch (error) {
      failure = error as Error;
    }
    this.#queue.release(work.buffer);
    const written = state.active.written.nextOffset;
    state.producers.settle(written);
    const [done, rest] = split(work.waiters, (waiter) => waiter.range.end <= written);
    if (!state.isPoisoned && done.some((waiter) => waiter.sync.kind === "always")) {
      const commitBytes = state.active.written.bytes - state.durableBytes;
      state.active.takeSpace(this.#settings.segmentBytes, commitBytes); // this sync makes it durable, too
      await this.#sync().catch(() => {}); // the state says so
    }
    if (state.failure !== undefined) return this.#giveUp(work.waiters, state.failure);
    state.publish();
    const isDurable = state.active.written.bytes === state.durableBytes;
    for (const waiter of done) {
      const { sync } = waiter;
      if (sync.kind === "interval" && !isDurable) this.#backgroundSync.startWithin(sync.intervalMs);
      waiter.resolve(waiter.range);
    }
    if (failure !== undefined) this.#turnAway(rest, failure);
    // What is synced long before a roll need not be waited for then.
    if (this.#isBehind()) this.#backgroundSync.start();
  }

  #isBehind(): boolean {
    const { active, durableBytes, failure } = this.#state;
    return failure === undefined && active.written.bytes - durableBytes >= WRITE_BEHIND_BYTES;
  }

  #isAged(): boolean {
    const { active } = this.#state;
    const ageMs = this.#clock.now() - active.createdMs;
    return !active.isEmpty && ageMs >= this.#settings.segmentAgeMs;
  }

  /** @param skip offsets that are passed over then */
  async #roll(skip?: Skip): Promise<void> {
    const state = this.#state;
    state.checkOwned();
    if (state.segments.length >= SEGMENTS_MAX) {
      throw new SeglogError(
        "too-large",
        `Cannot roll ${state.name}: it has ${SEGMENTS_MAX} segments; set a larger segmentBytes, or a retention`,
      );
    }
    await this.#backgroundSync.end(); // the file is closed after the roll
    await this.#syncExactly();
    state.publish();
    state.producers.settle(state.nextOffset);
    await state.roll(this.#clock.now(), skip);
    state.checkOwned(); // more will be written at once
    this.#hasRolled = true;
  }

  /** Syncs the active segment for the last time, with its file as long as it is. */
  async #syncExactly(): Promise<void> {
    const { active } = this.#state;
    const isLonger = active.hasSpace;
    if (isLonger) {
      this.#state.checkOwned(); // who owns the log now may have written there
      active.cutBack();
    }
    await this.#sync(isLonger);
  }

  /**
   * Syncs the active segment. A sync that failed is never tried again.
   *
   * @param isNeeded also when all that is written is durable
   * @throws {SeglogError} `poisoned`, also when another sync failed or the lock was lost meanwhile
   */
  async #sync(isNeeded = false): Promise<void> {
    const state = this.#state;
    const { active } = state;
    const end = active.written;
    state.checkWritable();
    if (end.bytes === state.durableBytes && !isNeeded) return;
    try {
      await active.sync();
    } catch (cause) {
      throw state.poison(`a sync failed (${messageOf(cause)})`, cause);
    }
    state.checkOwned();
    state.markDurable(end);
  }

  /** After a failed sync, or a write that could not be taken back: what was tried may be there. */
  #giveUp(tried: readonly Waiter[], failure: SeglogError): void {
    const unknown = new SeglogError(
      "outcome-unknown",
      `Cannot say whether the append to ${this.#state.name} is stored: writing it to disk failed. ` +
        "It is there whole or not at all once the log is opened again",
      { cause: failure },
    );
    for (const waiter of tried) waiter.reject(unknown);
    this.#turnAway([], failure);
  }

  /** What was not written, or was taken back, and all that was queued behind it, never was. */
  #turnAway(rest: readonly Waiter[], failure: Error): void {
    const queued = this.#queue.reset(this.#state.active.written.nextOffset);
    this.#state.producers.forgetPending();
    for (const waiter of [...rest, ...queued]) waiter.reject(failure);
  }

  async #retain(): Promise<void> {
    const state = this.#state;
    const { start, damage } = keptStart(state, this.#settings, this.#clock.now());
    if (start > state.logStartOffset) {
      if (start > state.durableOffset) await this.#sync();
      if (start === state.nextOffset && !state.active.isEmpty) await this.#roll();
      await state.truncateBefore(start);
    }
    if (damage !== undefined) throw damage; // more may have to go than could be found out
  }
}
