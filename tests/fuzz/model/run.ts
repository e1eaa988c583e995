/**
 * Does the same things to a backend and to the model, and compares every result and all contents.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  type AppendOptions,
  decodeBatch,
  encodeBatch,
  partitionOf,
  type ProducerStamp,
  readRecords,
  type RecordInput,
  SeglogError,
} from "../../../mod.ts";
import type { Codec } from "../../../core/format/compression.ts";
import { WIRE_SALT } from "../../../core/format/batch_header.ts";
import { collect } from "../../support/collect.ts";
import { asModelled } from "./compare.ts";
import { Follower } from "./follower.ts";
import { Model, type ModelPartition, type ModelTopic, Refusal } from "./model.ts";
import { type Operation, type Place, type ProducerStep, recordOf } from "./operation.ts";
import { DEFAULTS, Subject, type SubjectKind } from "./subject.ts";

type Of<Kind extends Operation["kind"]> = Extract<Operation, { kind: Kind }>;

/** Runs a sequence. @throws when backend and model differ, naming the operation */
export async function runOperations(
  kind: SubjectKind,
  operations: readonly Operation[],
): Promise<void> {
  await using subject = await Subject.open(kind);
  const run = new Run(subject);
  try {
    for (const [i, operation] of operations.entries()) {
      try {
        await run.step(operation);
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`operation ${i}, ${JSON.stringify(operation)}: ${message}`, { cause });
      }
    }
  } finally {
    await run.end();
  }
}

class Run {
  readonly #subject: Subject;
  readonly #model = new Model(DEFAULTS);
  #followers: { readonly topic: string; readonly follower: Follower }[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  async step(operation: Operation): Promise<void> {
    await this.#do(operation);
    await this.#settleRetention();
    if ("topic" in operation) await this.#compareTopic(operation.topic);
    else await this.#compareAll();
  }

  /** Ends what still follows. */
  async end(): Promise<void> {
    const followers = this.#followers;
    this.#followers = [];
    for (const { follower } of followers) await follower.stop();
  }

  async #do(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case "append":
        return await this.#append(operation);
      case "produce":
        return await this.#produce(operation);
      case "burst":
        return await this.#burst(operation);
      case "truncate":
        return await this.#truncate(operation);
      case "read":
      case "read one":
      case "find time":
        return await this.#read(operation);
      case "follow":
        return await this.#follow(operation);
      case "catch up":
        for (const { follower } of this.#followers) await follower.catchUp();
        return;
      case "flush":
        return await this.#flush(operation.topic);
      case "ensure":
      case "configure":
      case "delete":
        return await this.#changeTopic(operation);
      case "maintain":
        return await this.#maintain(operation.laterMs);
      default:
        return await this.#openAgain(operation.kind);
    }
  }

  async #append(operation: Of<"append">): Promise<void> {
    const { topic, records: specs, expected, sync, codec } = operation;
    const records = specs.map(recordOf);
    this.#model.topics.has(topic) || this.#model.ensure(topic, {});
    const { partitions, config } = this.#model.topic(topic);
    const next = partitions[operation.partition ?? 0]?.next ?? 0;
    const expectedOffset = expected === undefined
      ? undefined
      : next + (expected === "right" ? 0 : 1);
    const options = { partition: operation.partition, expectedOffset, sync };
    const isSynced = (sync ?? config.sync) === "always";
    await this.#compareAppend(topic, { records, options, codec }, (place) => {
      const partition = operation.partition ?? this.#chosen(topic, records, place);
      return this.#model.partition(topic, partition).append(records, { expectedOffset, isSynced });
    });
  }

  async #produce(operation: Of<"produce">): Promise<void> {
    const { topic, partition, step, codec } = operation;
    const records = operation.records.map(recordOf);
    this.#model.topics.has(topic) || this.#model.ensure(topic, {});
    const target = this.#model.topic(topic).partitions[partition];
    const producer = nextProducer(operation.producer, step, target);
    const isSynced = this.#model.topic(topic).config.sync === "always";
    const options = { partition, producer };
    await this.#compareAppend(
      topic,
      { records, options, codec },
      () => this.#model.partition(topic, partition).append(records, { producer, isSynced }),
    );
  }

  async #compareAppend(
    topic: string,
    given: { records: readonly RecordInput[]; options: AppendOptions; codec: Codec | undefined },
    expected: (place: number) => { start: number; end: number },
  ): Promise<void> {
    const { records, options, codec } = given;
    const { producer, ...others } = options;
    const { backend } = this.#subject;
    const actual = await outcome(() => {
      if (codec === undefined) return backend.append(topic, records, options);
      const batch = decodeBatch(encodeBatch(records, { nowMs: 0, codec, producer }), 0, WIRE_SALT);
      assert.ok(typeof batch !== "string");
      return backend.appendBatch(topic, batch, others);
    });
    const partition = typeof actual === "string" ? 0 : actual.partition;
    const wanted = await outcome(() => expected(partition));
    if (typeof wanted === "string" || typeof actual === "string") {
      return assert.equal(actual, wanted);
    }
    assert.deepEqual({ start: actual.start, end: actual.end }, wanted);
  }

  /** Where records without a partition go: by their key, or as the backend chose. */
  #chosen(topic: string, records: readonly RecordInput[], place: number): number {
    const { length } = this.#model.topic(topic).partitions;
    const key = records[0]!.key ?? null;
    return key === null ? place : partitionOf(key, length);
  }

  async #burst({ topic, partition, appends }: Of<"burst">): Promise<void> {
    if (this.#model.topics.get(topic)?.partitions[partition] === undefined) return;
    const target = this.#model.partition(topic, partition);
    const isSynced = this.#model.topic(topic).config.sync === "always";
    const results = await Promise.all(appends.map(async (specs) => {
      const records = specs.map(recordOf);
      const { start } = await this.#subject.backend.append(topic, records, { partition });
      return { start, records };
    }));
    // Over HTTP they may come in any order; each is in one piece, and none is between.
    for (const { start, records } of results.toSorted((a, b) => a.start - b.start)) {
      assert.equal(target.append(records, { isSynced }).start, start);
    }
  }

  async #truncate({ topic, partition, side, at }: Of<"truncate">): Promise<void> {
    const target = this.#model.topics.get(topic)?.partitions[partition];
    const least = side === "before" ? 0 : -1;
    const offset = Math.max(least, placeOf(target, at));
    const wanted = await outcome(() => {
      const model = this.#model.partition(topic, partition);
      if (side === "before") model.truncateBefore(offset);
      else model.truncateAfter(offset);
      return model.bounds;
    });
    const options = side === "before" ? { before: offset } : { after: offset };
    const actual = await outcome(async () => {
      const bounds = await this.#subject.backend.truncate(topic, { partition, ...options });
      return { logStartOffset: bounds.logStartOffset, nextOffset: bounds.nextOffset };
    });
    assert.deepEqual(actual, wanted);
  }

  async #read(operation: Of<"read"> | Of<"read one"> | Of<"find time">): Promise<void> {
    const { topic, partition } = operation;
    const { backend } = this.#subject;
    const target = this.#model.topics.get(topic)?.partitions[partition];
    if (operation.kind === "find time") {
      const { timestamp } = operation;
      const actual = await outcome(() => backend.offsetAt(topic, timestamp, partition));
      const model = () => this.#model.partition(topic, partition);
      return assert.deepEqual(actual, await outcome(() => model().offsetAt(timestamp)));
    }
    if (operation.kind === "read one") {
      const offset = Math.max(0, placeOf(target, operation.at));
      const actual = await outcome(async () =>
        asModelled(await backend.read(topic, offset, partition))
      );
      const model = () => this.#model.partition(topic, partition);
      return assert.deepEqual(actual, await outcome(() => model().readOne(offset)));
    }
    const { reverse } = operation;
    const offset = (place: Place | undefined) =>
      place === undefined ? undefined : Math.max(0, placeOf(target, place));
    const [from, until] = [offset(operation.from), offset(operation.until)];
    const actual = await outcome(async () =>
      (await collect(readRecords(backend, topic, { partition, from, until, reverse })))
        .map(asModelled)
    );
    const wanted = await outcome(() => {
      const records = this.#model.partition(topic, partition).read(from, until);
      return reverse ? records.toReversed() : records;
    });
    assert.deepEqual(actual, wanted);
  }

  async #follow({ topic, partition, from }: Of<"follow">): Promise<void> {
    const target = this.#model.topics.get(topic)?.partitions[partition];
    if (target === undefined) return;
    const offset = Math.min(Math.max(placeOf(target, from), target.start), target.next);
    const spot = { topic, partition };
    const follower = new Follower(this.#subject.backend, spot, { partition: target, from: offset });
    this.#followers.push({ topic, follower });
    await follower.catchUp();
  }

  async #flush(topic: string): Promise<void> {
    const wanted = await outcome(() => {
      for (const partition of this.#model.topic(topic).partitions) {
        partition.durable = partition.next;
      }
    });
    assert.equal(await outcome(() => this.#subject.backend.flush(topic)), wanted);
  }

  async #changeTopic(operation: Of<"ensure"> | Of<"configure"> | Of<"delete">): Promise<void> {
    const { topic } = operation;
    const { backend } = this.#subject;
    if (operation.kind === "ensure") {
      const actual = await outcome(() => backend.ensureTopic(topic, operation.config));
      const wanted = await outcome(() => this.#model.ensure(topic, operation.config));
      return assert.equal(typeof actual === "string" ? actual : actual.created, wanted);
    }
    if (operation.kind === "configure") {
      const actual = await outcome(() => backend.configureTopic(topic, operation.config));
      const wanted = await outcome(() => this.#model.configure(topic, operation.config));
      return assert.deepEqual(typeof actual === "string" ? actual : actual.config, wanted);
    }
    await this.#stopFollowers((other) => other === topic);
    const actual = await outcome(() => backend.deleteTopic(topic));
    const wanted = await outcome(() => void this.#model.topic(topic));
    this.#model.topics.delete(topic);
    assert.equal(actual, wanted);
  }

  /** Retention by count and by age is exact when it was just applied. */
  async #maintain(laterMs: number): Promise<void> {
    this.#subject.clock.nowMs += laterMs;
    await this.#subject.maintain();
    for (const [name, topic] of this.#model.topics) {
      if (!hasRetention(topic) || topic.config.retentionBytes !== null) continue;
      for (const [partition, model] of topic.partitions.entries()) {
        const { logStartOffset } = await this.#subject.backend.bounds(name, partition);
        const retained = model.retained(topic.config, this.#subject.clock.nowMs);
        assert.equal(logStartOffset, retained);
      }
    }
  }

  async #openAgain(how: "reopen" | "crash"): Promise<void> {
    await this.#stopFollowers(() => true);
    if (how === "reopen" || !this.#subject.canCrash) await this.#subject.reopen();
    else {
      await this.#subject.crash();
      for (const [name, topic] of this.#model.topics) {
        for (const [partition, model] of topic.partitions.entries()) {
          const { nextOffset } = await this.#subject.backend.bounds(name, partition);
          assert.ok(
            nextOffset >= model.durable && nextOffset <= model.next,
            "what was synced is there",
          );
          assert.ok(model.isBoundary(nextOffset), "an append is there whole or not at all");
          model.cutBack(nextOffset);
        }
      }
    }
  }

  async #stopFollowers(isMeant: (topic: string) => boolean): Promise<void> {
    const stopped = this.#followers.filter(({ topic }) => isMeant(topic));
    this.#followers = this.#followers.filter(({ topic }) => !isMeant(topic));
    for (const { follower } of stopped) await follower.stop();
  }

  /**
   * Retention goes on behind the appends and flushes that come after a roll. When nothing of it is
   * under way any more, the model takes over what it did, which must be what it could do.
   */
  async #settleRetention(): Promise<void> {
    for (const [name, topic] of this.#model.topics) {
      if (!hasRetention(topic)) continue;
      await this.#flush(name);
      await this.#flush(name); // waits for the retention that the first one set off
      for (const [partition, model] of topic.partitions.entries()) {
        const most = topic.config.retentionBytes !== null
          ? model.next
          : model.retained(topic.config, this.#subject.clock.nowMs);
        const { logStartOffset } = await this.#subject.backend.bounds(name, partition);
        assert.ok(logStartOffset <= most, "retention took more than it may");
        model.truncateBefore(logStartOffset);
      }
    }
  }

  async #compareAll(): Promise<void> {
    const names = (await this.#subject.backend.listTopics()).map(({ name }) => name);
    assert.deepEqual(names, [...this.#model.topics.keys()].toSorted());
    for (const name of names) await this.#compareTopic(name);
  }

  async #compareTopic(name: string): Promise<void> {
    const { backend } = this.#subject;
    const topic = this.#model.topics.get(name);
    if (topic === undefined) return;
    const details = await backend.describeTopic(name);
    assert.deepEqual(details.config, topic.config);
    for (const [partition, model] of topic.partitions.entries()) {
      const measured = details.partitions[partition]!;
      assert.equal(measured.records, model.records.length, "records");
      const { logStartOffset, durableOffset, nextOffset } = await backend.bounds(name, partition);
      assert.deepEqual({ logStartOffset, nextOffset }, model.bounds);
      assert.ok(durableOffset >= model.durable && durableOffset <= nextOffset, "durable");
      for (const reader of [backend, this.#subject.beside]) {
        const read = (await collect(readRecords(reader, name, { partition }))).map(asModelled);
        assert.deepEqual(read, model.records);
      }
    }
  }
}

function hasRetention({ config }: ModelTopic): boolean {
  return [config.retentionBytes, config.retentionMs, config.retentionRecords]
    .some((limit) => limit !== null);
}

function placeOf(partition: ModelPartition | undefined, { from, delta }: Place): number {
  const end = from === "start" ? partition?.start : partition?.next;
  return (end ?? 0) + delta;
}

function nextProducer(
  id: string,
  step: ProducerStep,
  partition: ModelPartition | undefined,
): ProducerStamp {
  const recent = partition?.recent(id) ?? [];
  const last = recent.at(-1);
  if (last === undefined) return { id, epoch: 1, sequence: 0 };
  const { epoch, sequence } = last;
  switch (step) {
    case "next":
      return { id, epoch, sequence: sequence + 1 };
    case "again":
      return { id, epoch, sequence };
    case "oldest":
      return { id, epoch, sequence: recent[0]!.sequence };
    case "skipped":
      return { id, epoch, sequence: sequence + 2 };
    case "replaced":
      return { id, epoch: epoch - 1, sequence: sequence + 1 };
    default:
      return { id, epoch: epoch + 1, sequence: 3 };
  }
}

/** What came of it: a value, or the code of what was thrown. */
async function outcome<T>(run: () => T | Promise<T>): Promise<T | string> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SeglogError || error instanceof Refusal) return error.code;
    throw error;
  }
}
