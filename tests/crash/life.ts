/**
 * The life of a store, made from a seed: appends alone and together, batches, producers, rolls,
 * truncations at both ends, retention, compaction, topics made, changed and deleted, closing and opening.
 */
import { basename, dirname } from "node:path";
import { partitionFolderName } from "../../core/format/file_names.ts";
import { endOfContent } from "../../core/log/unused_space.ts";
import type { Store, SyncMode, TopicConfig } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";
import { type AppendEvent, History, type PartitionLife, type TopicLife } from "./history.ts";
import { diskOf, EMPTY_IMAGE, type Image, RecordingDisk } from "./recording_disk.ts";
import { contentOf, FOLDER, openStore, type PartitionContent } from "./store_content.ts";

const SYNC_MODES: readonly SyncMode[] = ["always", "os", "interval:50ms"];

/** Small segments, so that they roll; young ones, so that they age. */
const TOPICS: Readonly<Record<string, Partial<TopicConfig>>> = {
  plain: { segmentBytes: 4096 },
  "Zwei/Teile": { partitions: 2, segmentBytes: 4096, compression: "zstd", segmentAgeMs: 500 },
  counted: { segmentBytes: 4096, sync: "os", retentionRecords: 20 },
  keyed: { segmentBytes: 4096, compaction: "keys", garbageRatio: 0.3 },
  weighed: { segmentBytes: 4096, sync: "interval:50ms", retentionBytes: 9000 },
};

/** What happened, and the disk that saw it. */
export interface Lived {
  readonly history: History;
  readonly disk: RecordingDisk;
}

/**
 * Lives `steps` steps.
 *
 * @param start what the disk holds at first: nothing, or what a crash has left of an earlier life
 * @param valueCount values that earlier lives have given
 */
export async function live(
  seed: number,
  options: {
    readonly steps: number;
    readonly start?: Image;
    readonly valueCount?: number;
    /** Only one topic, which is appended to, compacted and truncated, again and again. */
    readonly isCompacting?: boolean;
  },
): Promise<Lived> {
  const { steps, start = EMPTY_IMAGE, valueCount, isCompacting = false } = options;
  const history = new History(valueCount);
  await inherit(history, start);
  const disk = new RecordingDisk(start);
  const life = new Life(new Random(seed), history, disk);
  life.isCompacting = isCompacting;
  await life.run(steps);
  return { history, disk };
}

/** What an earlier life has left is there from the first operation on. */
async function inherit(history: History, start: Image): Promise<void> {
  if (start.files.size === 0) return;
  const disk = diskOf(start);
  const store = await openStore(disk);
  const content = await contentOf(store);
  for (const { name, config } of await store.listTopics()) {
    const topic = history.addTopic(name, config.partitions, 0);
    topic.created.doneAt = 0;
    for (const [i, partition] of content.get(name)!.entries()) {
      inheritPartition(history, topic.partitions[i]!, partition);
      const folder = `${FOLDER}/${partitionFolderName(name, i)}/`;
      for (const [path, bytes] of start.files) {
        if (!path.endsWith(".log") || `${dirname(path)}/` !== folder) continue;
        const isPutAway = disk.sizeOf(`${folder}quarantine/${basename(path)}`) === bytes.length;
        const position = disk.sizeOf(path) ?? (isPutAway ? 0 : bytes.length);
        const cut = bytes.subarray(position, contentLength(bytes, position));
        if (cut.length > 0) history.cut.push({ topic, path, position, bytes: cut });
      }
    }
  }
}

/** Bytes of a segment without the unused space at its end. */
function contentLength(bytes: Uint8Array, from: number): number {
  const read = (target: Uint8Array, position: number) => {
    target.set(bytes.subarray(position, position + target.length));
    return target.length;
  };
  return endOfContent({ read }, { from, size: bytes.length });
}

function inheritPartition(
  history: History,
  life: PartitionLife,
  { logStartOffset, nextOffset, records }: PartitionContent,
): void {
  const done = { startedAt: 0, doneAt: 0 };
  life.starts.push({ ...done, from: 0, to: logStartOffset });
  life.durable.push({ at: 0, offset: nextOffset });
  let next = logStartOffset;
  for (const { offset, key, value } of records) {
    if (offset > next) life.gaps.push({ ...done, start: next, end: offset });
    const append = history.addAppend(life, [{ key, value }], { startedAt: 0 });
    Object.assign(append, { doneAt: 0, start: offset, isDurable: true });
    next = offset + 1;
  }
  if (nextOffset > next) life.gaps.push({ ...done, start: next, end: nextOffset });
}

class Life {
  readonly #random: Random;
  readonly #history: History;
  readonly #disk: RecordingDisk;
  #clock = new FakeClock();
  readonly #sequences = new Map<TopicLife, number>();
  /** Makes the producers of this life others than those of earlier ones. */
  readonly #firstValue: number;
  #store: Store | undefined;
  isCompacting = false;

  constructor(random: Random, history: History, disk: RecordingDisk) {
    this.#random = random;
    this.#history = history;
    this.#firstValue = history.valueCount;
    this.#disk = disk;
  }

  async run(steps: number): Promise<void> {
    await this.#open();
    for (let step = 0; step < steps; step++) {
      const startedAt = this.#now();
      await this.#step();
      await this.#opened().maintain(); // what a roll has set off ends within its step
      await this.#compactDue();
      await this.#look(startedAt);
    }
    await this.#opened().close();
  }

  #step(): Promise<void> {
    const { topics } = this;
    if (topics.length === 0) return this.#create();
    if (this.isCompacting) return this.#compactingStep(topics[0]!);
    const draw = this.#random.below(100);
    if (draw < 50) return this.#append(topics);
    if (draw < 60) return this.#produce(this.#random.pick(topics));
    if (draw < 67) return this.#truncateBefore(this.#random.pick(topics));
    if (draw < 74) return this.#truncateAfter(this.#random.pick(topics));
    if (draw < 80) return this.#tick();
    if (draw < 82) return this.#opened().flush(this.#random.pick(topics).name);
    if (draw < 84) return this.#compact(this.#random.pick(topics));
    if (draw < 87) return this.#configure(this.#random.pick(topics));
    if (draw < 91) return this.#create();
    if (draw < 93) return this.#delete(this.#random.pick(topics));
    if (draw < 95) return this.#reopen();
    if (draw < 97) return this.#die();
    return this.#appendWhileTruncating(this.#random.pick(topics));
  }

  #compactingStep(topic: TopicLife): Promise<void> {
    const draw = this.#random.below(100);
    if (draw < 60) return this.#append([topic]);
    if (draw < 78) return this.#compact(topic);
    if (draw < 84) return this.#truncateAfter(topic);
    if (draw < 90) return this.#truncateBefore(topic);
    return draw < 95 ? this.#reopen() : this.#die();
  }

  /** Topics that are there. */
  get topics(): TopicLife[] {
    return this.#history.topics.filter(({ deleted }) => deleted === undefined);
  }

  #now(): number {
    return this.#disk.operations.length;
  }

  #opened(): Store {
    return this.#store!;
  }

  async #open(): Promise<void> {
    this.#store = await openStore(this.#disk, { clock: this.#clock });
  }

  async #reopen(): Promise<void> {
    await this.#opened().close();
    await this.#open();
  }

  /** The process is killed, and the machine goes on: nothing is lost, nothing more is synced. */
  #die(): Promise<void> {
    this.#disk.kill();
    this.#clock = new FakeClock(this.#clock.now()); // its timers died with it
    return this.#open();
  }

  /** Several appends at once, so that they share batches and syncs. */
  async #append(topics: readonly TopicLife[]): Promise<void> {
    const count = this.#random.chance(0.5) ? 1 : 1 + this.#random.below(5);
    await Promise.all(
      Array.from({ length: count }, () => this.#appendTo(this.#random.pick(topics))),
    );
  }

  async #appendTo(topic: TopicLife): Promise<void> {
    const partition = this.#random.below(topic.partitions.length);
    const records = this.#records(topic);
    const sync = this.#random.chance(0.3) ? this.#random.pick(SYNC_MODES) : undefined;
    const event = this.#history.addAppend(topic.partitions[partition]!, records, {
      startedAt: this.#now(),
    });
    this.#settle(event, await this.#opened().append(topic.name, records, { partition, sync }));
  }

  #records(topic: TopicLife): { key?: string; value: string }[] {
    const count = this.#random.chance(0.7) ? 1 : 1 + this.#random.below(4);
    return Array.from({ length: count }, () => {
      const length = this.#random.below(this.#random.chance(0.1) ? 3000 : 500);
      const padding = this.#random.chance(0.5)
        ? "x".repeat(length)
        : Array.from(this.#random.bytes(length >> 1), (byte) => byte.toString(16)).join("");
      const value = this.#history.newValue(padding);
      return topic.name === "keyed" ? { key: `k${this.#random.below(6)}`, value } : { value };
    });
  }

  #settle(event: AppendEvent, result: { start: number; durable: boolean }): void {
    event.start = result.start;
    event.isDurable = result.durable;
    event.doneAt = this.#now();
  }

  /** Appends under the next number of a producer, and sometimes says the same again. */
  async #produce(topic: TopicLife): Promise<void> {
    const sequence = this.#sequences.get(topic) ?? 0;
    this.#sequences.set(topic, sequence + 1);
    const id = `${this.#firstValue}-${this.#history.topics.indexOf(topic)}`;
    const producer = { id, epoch: 1, sequence };
    const records = this.#records(topic);
    const partition = 0;
    const event = this.#history.addAppend(topic.partitions[partition]!, records, {
      startedAt: this.#now(),
      producer,
    });
    const tries = 1 + this.#random.below(2);
    const results = await Promise.all(
      Array.from(
        { length: tries },
        () => this.#opened().append(topic.name, records, { partition, producer }),
      ),
    );
    this.#settle(event, results[0]!);
  }

  /** The store does so by itself when its time has come. */
  async #compactDue(): Promise<void> {
    const topic = this.topics.find(({ name }) => name === "keyed");
    if (topic !== undefined) await this.#compacting(topic, () => this.#opened().compactDue());
  }

  async #compact(topic: TopicLife): Promise<void> {
    await this.#compacting(topic, () => this.#opened().compact(topic.name));
  }

  async #compacting(topic: TopicLife, run: () => Promise<unknown>): Promise<void> {
    const span = { startedAt: this.#now(), doneAt: Infinity };
    for (const { compactions } of topic.partitions) compactions.push(span);
    await run();
    span.doneAt = this.#now();
  }

  async #truncateBefore(topic: TopicLife): Promise<void> {
    const partition = this.#random.below(topic.partitions.length);
    const { logStartOffset, nextOffset } = await this.#opened().bounds(topic.name, partition);
    const span = nextOffset - logStartOffset;
    const before = this.#random.chance(0.1)
      ? nextOffset
      : logStartOffset + this.#random.below(Math.floor(span / 2) + 1);
    await this.#opened().truncate(topic.name, { before, partition });
  }

  async #appendWhileTruncating(topic: TopicLife): Promise<void> {
    await Promise.all([
      this.#append([topic]),
      this.#truncateBefore(topic),
      this.#append([topic]),
    ]);
  }

  async #truncateAfter(topic: TopicLife): Promise<void> {
    const partition = this.#random.below(topic.partitions.length);
    const { logStartOffset, nextOffset } = await this.#opened().bounds(topic.name, partition);
    const count = this.#random.below(this.#random.chance(0.5) ? 5 : 40);
    const after = Math.max(logStartOffset - 1, nextOffset - 1 - count);
    const gap = {
      startedAt: this.#now(),
      doneAt: Infinity,
      start: after + 1,
      end: nextOffset,
    };
    if (gap.start < gap.end) topic.partitions[partition]!.gaps.push(gap);
    await this.#opened().truncate(topic.name, { after, partition });
    gap.doneAt = this.#now();
  }

  /** Lets some time pass, so that intervals end and segments age. */
  async #tick(): Promise<void> {
    this.#clock.advance(30 + this.#random.below(100));
    await Promise.resolve();
  }

  async #configure(topic: TopicLife): Promise<void> {
    const changes = this.#random.pick<Partial<TopicConfig>>([
      { retentionRecords: 1 + this.#random.below(20) },
      { retentionRecords: null },
      { segmentBytes: 4096 + this.#random.below(8192) },
      { sync: this.#random.pick(SYNC_MODES) },
      { compression: this.#random.pick(["none", "gzip", "zstd"]) },
    ]);
    await this.#opened().configureTopic(topic.name, changes);
  }

  async #create(): Promise<void> {
    const there = new Set(this.topics.map(({ name }) => name));
    const free = Object.keys(TOPICS).filter((name) => !there.has(name));
    if (free.length === 0) return this.#append(this.topics);
    const name = this.isCompacting ? "keyed" : this.#random.pick(free);
    const config = TOPICS[name]!;
    const topic = this.#history.addTopic(name, config.partitions ?? 1, this.#now());
    await this.#opened().ensureTopic(name, config);
    topic.created.doneAt = this.#now();
  }

  async #delete(topic: TopicLife): Promise<void> {
    topic.deleted = { startedAt: this.#now(), doneAt: Infinity };
    await this.#opened().deleteTopic(topic.name);
    topic.deleted.doneAt = this.#now();
  }

  /** Notes what a step has moved. */
  async #look(startedAt: number): Promise<void> {
    for (const topic of this.topics) {
      for (const [partition, life] of topic.partitions.entries()) {
        const bounds = await this.#opened().bounds(topic.name, partition);
        const from = life.starts.at(-1)?.to ?? 0;
        const to = bounds.logStartOffset;
        if (to !== from) life.starts.push({ startedAt, doneAt: this.#now(), from, to });
        life.durable.push({ at: this.#now(), offset: bounds.durableOffset });
      }
    }
  }
}
