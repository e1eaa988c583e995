/**
 * What of groups outlives its owner: the offsets that they committed, in an internal bucket that
 * compaction keeps small.
 *
 * ```
 * o/<group>/<topic id>/<partition>  ->  {"topic":"orders","offset":42,"metadata":"","at":1767225600000}
 * g/<group>                         ->  {"generation":100}
 * ```
 *
 * The name of a group is percent-encoded. The id of the topic is in the key, and its name in the value:
 * a topic that is made anew with the same name has another id, and starts fresh.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import { members, type Shape, whole } from "../base/shape.ts";
import { INTERNAL_PREFIX } from "../format/file_names.ts";
import { json } from "../format/record.ts";
import { hasBucket } from "../kv/bucket_topic.ts";
import { Kv } from "../kv/kv.ts";

/** The topic that holds it. */
export const GROUPS_TOPIC: string = `${INTERNAL_PREFIX}groups`;

/** What was committed for one partition. */
export interface Committed {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** The next offset that is to be read. */
  readonly offset: number;
  readonly metadata: string;
  /** When: milliseconds since 1970. */
  readonly at: number;
}

/** What is stored of one group. */
export interface StoredGroup {
  /** Generations up to it may have been used. */
  generation: number;
  /** By topic id and partition. */
  readonly offsets: Map<string, Committed>;
}

const KEY = /^([go])\/([^/]+)(?:\/([0-9a-f]{32})\/(\d{1,4}))?$/;

/** The committed offsets of all groups, in memory and in their topic. */
export class CommittedOffsets {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #groups = new Map<string, StoredGroup>();
  #bucket: Promise<Kv> | undefined;

  private constructor(backend: Backend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  /** Reads what is stored. Nothing is made before something is written. @throws {SeglogError} `corrupt` */
  static async open(backend: Backend, clock: Clock): Promise<CommittedOffsets> {
    const offsets = new CommittedOffsets(backend, clock);
    if (await hasBucket(backend, GROUPS_TOPIC)) await offsets.#load();
    return offsets;
  }

  /** How many groups there are. */
  get count(): number {
    return this.#groups.size;
  }

  /** Names of all groups of which something is stored, in order. */
  get names(): readonly string[] {
    return [...this.#groups.keys()].sort();
  }

  /** What is stored of a group; `undefined` when nothing is. */
  group(name: string): StoredGroup | undefined {
    return this.#groups.get(name);
  }

  /** What was committed for a partition. */
  get(name: string, place: Pick<Committed, "topicId" | "partition">): Committed | undefined {
    return this.#groups.get(name)?.offsets.get(offsetKey(place));
  }

  /** Stores offsets, all or none; they are there when the promise resolves. */
  async commit(name: string, offsets: readonly Committed[]): Promise<void> {
    if (offsets.length === 0) return;
    const kv = await this.#open();
    await kv.transaction((transaction) => {
      for (const committed of offsets) {
        const { topic, offset, metadata, at } = committed;
        const key = `o/${encodeURIComponent(name)}/${offsetKey(committed)}`;
        transaction.set(key, json({ topic, offset, metadata, at }));
      }
    });
    const { offsets: stored } = this.#ensure(name);
    for (const committed of offsets) stored.set(offsetKey(committed), committed);
  }

  /** Stores that generations up to one may be used. */
  async reserve(name: string, generation: number): Promise<void> {
    const kv = await this.#open();
    await kv.set(`g/${encodeURIComponent(name)}`, json({ generation }));
    this.#ensure(name).generation = generation;
  }

  /** Forgets offsets, of topics that are gone. */
  async forget(name: string, offsets: readonly Committed[]): Promise<void> {
    if (offsets.length === 0) return;
    const kv = await this.#open();
    await kv.transaction((transaction) => {
      for (const committed of offsets) {
        transaction.delete(`o/${encodeURIComponent(name)}/${offsetKey(committed)}`);
      }
    });
    const stored = this.#groups.get(name);
    for (const committed of offsets) stored?.offsets.delete(offsetKey(committed));
  }

  /** Forgets a group. */
  async remove(name: string): Promise<void> {
    const stored = this.#groups.get(name);
    if (stored === undefined) return;
    const kv = await this.#open();
    await kv.transaction((transaction) => {
      transaction.delete(`g/${encodeURIComponent(name)}`);
      for (const key of stored.offsets.keys()) {
        transaction.delete(`o/${encodeURIComponent(name)}/${key}`);
      }
    });
    this.#groups.delete(name);
  }

  /** Finishes what is being written. The backend stays open. */
  async close(): Promise<void> {
    const kv = await this.#bucket?.catch(() => undefined);
    await kv?.close();
  }

  #ensure(name: string): StoredGroup {
    const known = this.#groups.get(name);
    if (known !== undefined) return known;
    const made = { generation: 0, offsets: new Map() };
    this.#groups.set(name, made);
    return made;
  }

  #open(): Promise<Kv> {
    this.#bucket ??= Kv.open(this.#backend, GROUPS_TOPIC, { clock: this.#clock })
      .catch((error) => {
        this.#bucket = undefined; // what failed once may do the next time
        throw error;
      });
    return this.#bucket;
  }

  async #load(): Promise<void> {
    const kv = await this.#open();
    for await (const { key, text } of kv.list()) {
      const [, kind, encoded, topicId, partition] = KEY.exec(key) ?? [];
      if (encoded === undefined) throw corrupt(key, "its key is not one of ours");
      const group = this.#ensure(decodeURIComponent(encoded));
      if (kind === "g") {
        group.generation = parsed<{ generation: number }>(key, text, GENERATION).generation;
        continue;
      }
      const value = parsed<Committed>(key, text, OFFSET);
      const committed = { ...value, topicId: topicId!, partition: Number(partition) };
      group.offsets.set(offsetKey(committed), committed);
    }
  }
}

const anyText: Shape = (value, name) =>
  typeof value === "string" ? undefined : `${name} is no text`;
const GENERATION = members({ generation: whole(0) });
const OFFSET = members({ topic: anyText, offset: whole(0), metadata: anyText, at: whole(0) });

function offsetKey({ topicId, partition }: Pick<Committed, "topicId" | "partition">): string {
  return `${topicId}/${partition}`;
}

function parsed<Type>(key: string, text: string, shape: Shape): Type {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw corrupt(key, messageOf(cause));
  }
  const complaint = shape(value, "value");
  if (complaint !== undefined) throw corrupt(key, complaint);
  return value as Type;
}

function corrupt(key: string, why: string): SeglogError {
  return new SeglogError(
    "corrupt",
    `Cannot read the groups in "${GROUPS_TOPIC}" at ${JSON.stringify(key.slice(0, 200))}: ${why}`,
  );
}
