/**
 * The oracle: what has to be there after a crash, by the contract.
 *
 * What was acknowledged as durable is there, unchanged and in order; of the rest, what is there is a
 * prefix; an append is there whole or not at all; nothing else is there; offsets go on where they
 * were and are not used again; opening twice gives the same as opening once; nothing that a crash
 * leaves is taken for damage.
 */
import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { equalBytes } from "../../core/base/bytes.ts";
import { SeglogError, type Store, verify } from "../../mod.ts";
import type { CrashImage } from "./crash_images.ts";
import type { AppendEvent, History, PartitionLife, Span, TopicLife } from "./history.ts";
import { diskOf } from "./recording_disk.ts";
import {
  contentOf,
  FOLDER,
  type FoundRecord,
  openStore,
  type PartitionContent,
  type StoreContent,
} from "./store_content.ts";

/**
 * Opens a store from an image and checks it, appends, pulls the plug again, and checks again.
 *
 * @param at operations that had been done when the crash came
 * @returns how often recovery had to cut a torn tail
 * @throws `AssertionError` when a promise is broken; anything else when the store does not open
 */
export async function checkImage(
  history: History,
  at: number,
  image: CrashImage,
): Promise<number> {
  const disk = diskOf(image);
  let tornTails = 0;
  const isThere = image.files.has(`${FOLDER}/store.json`);
  if (isThere) {
    const damage = verify(FOLDER, { disk }).problems.filter(({ severity }) =>
      severity === "damage"
    );
    assert.deepEqual(damage, [], "a crash is taken for damage");
  }
  const seen = isThere ? await contentOf(await openStore(disk, { readOnly: true })) : new Map();
  const store = await openStore(disk, { onNotice: () => tornTails++ });
  const found = await contentOf(store);
  assert.deepEqual(seen, found, "a reader without a lock sees something else than recovery");
  const crash: Crash = { history, at, isWhole: image.isWhole };
  checkStore(crash, found);
  checkCut(crash, image);
  const expected = await goOn(crash, store, found);
  await store.maintain(); // an append may have set off a roll, and so retention
  const grown = await contentOf(store);
  checkGrown(grown, expected);
  disk.crash(); // everything that has returned from an append was durable
  const again = await openStore(disk);
  assert.deepEqual(await contentOf(again), grown, "opening again gives something else");
  await again.close();
  return tornTails;
}

interface Crash {
  readonly history: History;
  readonly at: number;
  readonly isWhole: boolean;
}

function checkStore({ history, at, isWhole }: Crash, found: StoreContent): void {
  const names = new Set([...found.keys(), ...history.topics.map(({ name }) => name)]);
  for (const name of names) {
    const topic = latest(history, name, at);
    const partitions = found.get(name);
    const isSure = topic !== undefined && isDone(topic.created, at) && !hasBegun(topic.deleted, at);
    const isGone = topic === undefined || isDone(topic.deleted, at);
    if (partitions === undefined) {
      assert.ok(!isSure, `topic ${name} is missing`);
      continue;
    }
    assert.ok(!isGone, `topic ${name} is there`);
    topic.partitions.forEach((life, i) => {
      const check = new PartitionCheck({ history, at, isWhole }, life, partitions[i]!);
      try {
        check.run();
      } catch (cause) {
        throw new Error(`${name}-${i}: ${(cause as Error).message}`, { cause });
      }
    });
  }
}

/** What recovery cuts off is where it was, or in quarantine: at no moment nowhere. */
function checkCut({ history, at }: Crash, { files }: CrashImage): void {
  for (const { topic, path, position, bytes } of history.cut) {
    if (hasBegun(topic.deleted, at)) continue;
    const inPlace = files.get(path)?.subarray(position, position + bytes.length);
    if (inPlace !== undefined && equalBytes(inPlace, bytes)) continue;
    const folder = `${dirname(path)}/quarantine/${basename(path)}`;
    const isKept = [...files].some(([other, kept]) =>
      other.startsWith(folder) && equalBytes(kept, bytes)
    );
    assert.ok(isKept, `${bytes.length} bytes that were cut off ${path} at ${position} are gone`);
  }
}

/** The topic of this name that a crash may have left. */
function latest(history: History, name: string, at: number): TopicLife | undefined {
  return history.topics.findLast((topic) => topic.name === name && topic.created.startedAt < at);
}

class PartitionCheck {
  readonly #crash: Crash;
  readonly #life: PartitionLife;
  readonly #found: PartitionContent;
  readonly #values: ReadonlyMap<number, string>;
  /** The key of each record that ever had one. */
  readonly #keys: ReadonlyMap<number, string>;

  constructor(crash: Crash, life: PartitionLife, found: PartitionContent) {
    this.#crash = crash;
    this.#life = life;
    this.#found = found;
    this.#values = new Map(found.records.map(({ offset, value }) => [offset, value]));
    const keys = new Map<number, string>();
    for (const { start, keys: appended } of life.appends) {
      appended.forEach((key, i) => {
        if (start !== undefined && key !== undefined) keys.set(start + i, key);
      });
    }
    this.#keys = keys;
  }

  run(): void {
    this.#checkStart();
    this.#checkOrder();
    this.#checkOrigin();
    this.#checkAcknowledged();
    this.#checkGaps();
  }

  /** The first readable offset is where a truncation that had returned put it, or one under way. */
  #checkStart(): void {
    const { at } = this.#crash;
    const { logStartOffset } = this.#found;
    const least = Math.max(0, ...this.#life.starts.filter((s) => isDone(s, at)).map((s) => s.to));
    const most = Math.max(
      least,
      ...this.#life.starts.filter((s) => hasBegun(s, at)).map((s) => s.to),
    );
    assert.ok(
      logStartOffset >= least && logStartOffset <= most,
      `the first offset is ${logStartOffset}, and ${least} to ${most} is right`,
    );
  }

  /** Offsets are dense but for what was taken away: what survives is a prefix. */
  #checkOrder(): void {
    const { logStartOffset, nextOffset } = this.#found;
    for (let offset = logStartOffset; offset < nextOffset; offset++) {
      if (this.#values.has(offset)) continue;
      assert.ok(this.#isRemoved(offset), `offset ${offset} is missing`);
    }
    for (const offset of this.#values.keys()) {
      assert.ok(
        offset >= logStartOffset && offset < nextOffset,
        `offset ${offset} is out of range`,
      );
    }
    for (const { at, offset } of this.#life.durable) {
      if (at <= this.#crash.at) {
        assert.ok(
          nextOffset >= offset,
          `offset ${offset - 1} was durable, and ${nextOffset} is next`,
        );
      }
    }
  }

  /** Every record was given to an append that had begun, and all records of that are there. */
  #checkOrigin(): void {
    const { history, at } = this.#crash;
    const seen = new Set<AppendEvent>();
    for (const [offset, value] of this.#values) {
      const origin = history.values.get(value);
      assert.ok(origin !== undefined, `offset ${offset} holds what nobody appended`);
      const { append, index } = origin;
      assert.ok(this.#life.appends.includes(append), `offset ${offset} is of another partition`);
      assert.ok(append.startedAt < at, `offset ${offset} holds what was not appended yet`);
      const start = offset - index;
      if (append.start !== undefined) {
        assert.equal(start, append.start, `offset ${offset} was ${append.start + index}`);
      }
      if (seen.has(append)) continue;
      seen.add(append);
      append.values.forEach((expected, i) => {
        const isThere = this.#values.get(start + i) === expected;
        const isTaken = start + i < this.#found.logStartOffset || this.#isRemoved(start + i);
        assert.ok(isThere || isTaken, `offset ${start + i} of a batch is missing`);
      });
    }
    assert.equal(new Set(this.#values.values()).size, this.#values.size, "a record is there twice");
  }

  #checkAcknowledged(): void {
    const { at, isWhole } = this.#crash;
    for (const append of this.#life.appends) {
      if (!isDone(append, at) || !(append.isDurable || isWhole)) continue;
      append.values.forEach((value, i) => {
        const offset = append.start! + i;
        if (offset < this.#found.logStartOffset || this.#isRemoved(offset)) return;
        assert.equal(this.#values.get(offset), value, `offset ${offset} was acknowledged`);
      });
      const end = append.start! + append.values.length;
      assert.ok(this.#found.nextOffset >= end, `offset ${end - 1} could be used again`);
    }
  }

  /** What was taken away stays away; one that was under way has happened, or not. */
  #checkGaps(): void {
    for (const gap of this.#life.gaps) {
      if (!hasBegun(gap, this.#crash.at)) continue;
      let there = 0;
      for (let offset = gap.start; offset < gap.end; offset++) {
        if (this.#values.has(offset)) there++;
      }
      if (isDone(gap, this.#crash.at)) {
        assert.equal(there, 0, `records of ${gap.start} to ${gap.end - 1} are back`);
        assert.ok(
          this.#found.nextOffset >= gap.end,
          `offsets up to ${gap.end - 1} could be used again`,
        );
      }
    }
  }

  /** Whether the offset may be missing, since it was taken away from the end of the log, or compacted. */
  #isRemoved(offset: number): boolean {
    return this.#isReplaced(offset) || this.#isTruncated(offset);
  }

  #isTruncated(offset: number): boolean {
    return this.#life.gaps.some((gap) =>
      hasBegun(gap, this.#crash.at) && offset >= gap.start && offset < gap.end
    );
  }

  /**
   * Whether a compaction had begun, and a later record with its key is there, or was until a truncation
   * took it.
   */
  #isReplaced(offset: number): boolean {
    if (!this.#life.compactions.some((span) => hasBegun(span, this.#crash.at))) return false;
    const key = this.#keys.get(offset);
    if (key === undefined) return false;
    for (const [other, otherKey] of this.#keys) {
      if (other <= offset || otherKey !== key) continue;
      if (this.#values.has(other) || this.#isTruncated(other)) return true;
    }
    return false;
  }
}

/** All is there that was, and what was appended; retention may have taken the oldest. */
function checkGrown(grown: StoreContent, expected: StoreContent): void {
  for (const [name, partitions] of expected) {
    partitions.forEach(({ records, nextOffset }, partition) => {
      const now = grown.get(name)![partition]!;
      const kept = records.filter(({ offset }) => offset >= now.logStartOffset);
      assert.deepEqual(now.records, kept, `records of ${name}-${partition}`);
      assert.equal(now.nextOffset, nextOffset);
    });
  }
}

/** Appends to every partition, and repeats what producers may have to repeat. */
async function goOn(crash: Crash, store: Store, found: StoreContent): Promise<StoreContent> {
  const grown = new Map<string, PartitionContent[]>();
  for (const [name, partitions] of found) {
    const topic = latest(crash.history, name, crash.at)!;
    const after: PartitionContent[] = [];
    for (const [partition, content] of partitions.entries()) {
      const records = [...content.records];
      const [last, ...earlier] = topic.partitions[partition]!.appends
        .filter(({ producer, startedAt }) => producer !== undefined && startedAt < crash.at)
        .toReversed();
      let { nextOffset } = content;
      if (last !== undefined) {
        const areEarlierSure = earlier.every((append) =>
          isDone(append, crash.at) && append.isDurable
        );
        nextOffset = await repeat(store, { name, last, areEarlierSure, nextOffset, records });
      }
      const { start } = await store.append(name, [{ value: "next" }], {
        partition,
        sync: "always",
      });
      assert.equal(start, nextOffset, `the next offset of ${name}-${partition}`);
      records.push({ offset: start, key: undefined, value: "next" });
      after.push({ ...content, nextOffset: start + 1, records });
    }
    grown.set(name, after);
  }
  for (const name of new Set(crash.history.topics.map((topic) => topic.name))) {
    if (found.has(name)) continue; // what a deletion has left is in the way of no other topic
    await store.ensureTopic(name);
    grown.set(name, [{ logStartOffset: 0, nextOffset: 0, records: [] }]);
  }
  return grown;
}

/**
 * The producer whose append was the last appends the same again: it is there once. Only where the
 * crash may have taken its append before that, it is told so instead.
 */
async function repeat(
  store: Store,
  retry: {
    readonly name: string;
    readonly last: AppendEvent;
    readonly areEarlierSure: boolean;
    readonly nextOffset: number;
    readonly records: FoundRecord[];
  },
): Promise<number> {
  const { name, last, nextOffset, records } = retry;
  const { producer, values, keys } = last;
  const known = records.find(({ value }) => value === values[0]);
  const input = values.map((value, i) => ({ key: keys[i], value }));
  try {
    const options = { producer, partition: 0, sync: "always" } as const;
    const { start, end } = await store.append(name, input, options);
    if (start < nextOffset) {
      assert.equal(start, known?.offset ?? start, "a retry was answered with other offsets");
      return nextOffset;
    }
    assert.equal(known, undefined, "a retry made a duplicate");
    assert.equal(start, nextOffset);
    values.forEach((value, i) => records.push({ offset: start + i, key: keys[i], value }));
    return end;
  } catch (error) {
    const isTold = error instanceof SeglogError && error.code === "condition-failed";
    if (!isTold || retry.areEarlierSure) throw error;
    return nextOffset;
  }
}

function hasBegun(span: Span | undefined, at: number): boolean {
  return span !== undefined && span.startedAt < at;
}

function isDone(span: Span | undefined, at: number): boolean {
  return span !== undefined && span.doneAt <= at;
}
