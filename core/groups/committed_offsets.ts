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
 * Whoever coordinates a group claims it first: he reads all that is stored of it, and writes its `g/`
 * in the same transaction. Whatever he writes then is written only while that `g/` is the last one.
 * So two who both take themselves for the coordinator never mix: the one that claimed before the other
 * is refused, whatever he and the clocks believe.
 *
 * @module
 */
import { caughtUpWith } from "../at_origin.ts";
import type { Backend } from "../backend.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf, SeglogError } from "../base/errors.ts";
import { members, type Shape, whole } from "../base/shape.ts";
import { INTERNAL_PREFIX } from "../format/file_names.ts";
import { json } from "../format/record.ts";
import { hasBucket } from "../kv/bucket_topic.ts";
import { Kv } from "../kv/kv.ts";
import type { KvTransaction } from "../kv/kv_transaction.ts";
import { isTakenOver, takenOver } from "./group_checks.ts";

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

/** So often others may be faster while a group is claimed, or written to. */
const TRIES = { retries: 20 };
const KEY = /^([go])\/([^/]+)(?:\/([0-9a-f]{32})\/(\d{1,4}))?$/;

/** The committed offsets of all groups, in memory and in their topic. */
export class CommittedOffsets {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #groups = new Map<string, StoredGroup>();
  /** The revision of each `g/`, as it was read or written here. */
  readonly #revisions = new Map<string, number>();
  /** The groups that were claimed. */
  readonly #claimed = new Set<string>();
  #bucket: Promise<Kv> | undefined;

  private constructor(backend: Backend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  /** Reads what is stored. Nothing is made before something is written. @throws {SeglogError} `corrupt` */
  static async open(backend: Backend, clock: Clock): Promise<CommittedOffsets> {
    const offsets = new CommittedOffsets(backend, clock);
    await caughtUpWith(backend, GROUPS_TOPIC);
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

  /** Whether a group was claimed, and nobody else was seen to have claimed it since. */
  isClaimed(name: string): boolean {
    return this.#claimed.has(name);
  }

  /**
   * Takes a group over from whoever coordinated it, with all that is stored of it.
   *
   * @param after a generation that was used, whatever is stored
   * @param ahead how many generations may be used then
   * @returns the last one that may have been used before
   */
  async claim(
    name: string,
    { after, ahead }: { readonly after: number; readonly ahead: number },
  ): Promise<number> {
    const kv = await this.#open();
    const { result, revision } = await kv.transaction(async (transaction) => {
      const { generation, offsets } = await storedIn(transaction, name);
      const used = Math.max(after, generation);
      transaction.set(groupKey(name), json({ generation: used + ahead }));
      return { used, offsets };
    }, TRIES);
    const { used, offsets } = result;
    this.#groups.set(name, { generation: used + ahead, offsets });
    this.#revisions.set(name, revision);
    this.#claimed.add(name);
    return used;
  }

  /**
   * Stores offsets, all or none; they are there when the promise resolves.
   *
   * @throws {SeglogError} `condition-failed` when somebody else has claimed the group
   */
  async commit(name: string, offsets: readonly Committed[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.#write(name, (transaction) => {
      for (const committed of offsets) {
        const { topic, offset, metadata, at } = committed;
        const value = json({ topic, offset, metadata, at });
        transaction.set(`${offsetsOf(name)}${offsetKey(committed)}`, value);
      }
    });
    const { offsets: stored } = this.#ensure(name);
    for (const committed of offsets) stored.set(offsetKey(committed), committed);
  }

  /** Stores that generations up to one may be used. @throws {SeglogError} as `commit` */
  async reserve(name: string, generation: number): Promise<void> {
    const revision = await this.#write(name, (transaction) => {
      transaction.set(groupKey(name), json({ generation }));
    });
    this.#revisions.set(name, revision);
    this.#ensure(name).generation = generation;
  }

  /** Forgets offsets, of topics that are gone. @throws {SeglogError} as `commit` */
  async forget(name: string, offsets: readonly Committed[]): Promise<void> {
    if (offsets.length === 0) return;
    await this.#write(name, (transaction) => {
      for (const committed of offsets) {
        transaction.delete(`${offsetsOf(name)}${offsetKey(committed)}`);
      }
    });
    const stored = this.#groups.get(name);
    for (const committed of offsets) stored?.offsets.delete(offsetKey(committed));
  }

  /** Forgets a group. @throws {SeglogError} as `commit` */
  async remove(name: string): Promise<void> {
    const stored = this.#groups.get(name);
    if (stored === undefined) return;
    await this.#write(name, (transaction) => {
      transaction.delete(groupKey(name));
      for (const key of stored.offsets.keys()) transaction.delete(`${offsetsOf(name)}${key}`);
    });
    this.#groups.delete(name);
    this.#revisions.delete(name);
    this.#claimed.delete(name);
  }

  /** Finishes what is being written. The backend stays open. */
  async close(): Promise<void> {
    const kv = await this.#bucket?.catch(() => undefined);
    await kv?.close();
  }

  /** Writes while nobody else has claimed the group. @returns the revision of the last write */
  async #write(name: string, write: (transaction: KvTransaction) => void): Promise<number> {
    const kv = await this.#open();
    const known = this.#revisions.get(name) ?? -1;
    try {
      const { revision } = await kv.transaction((transaction) => {
        if (transaction.revisionOf(groupKey(name)) !== known) throw takenOver(name);
        write(transaction);
      }, TRIES);
      return revision;
    } catch (error) {
      if (isTakenOver(error)) this.#claimed.delete(name);
      throw error;
    }
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
    for await (const { key, text, revision } of kv.list()) {
      const encoded = KEY.exec(key)?.[2];
      if (encoded === undefined) throw corrupt(key, "its key is not one of ours");
      const name = decodeURIComponent(encoded);
      takeIn(this.#ensure(name), { key, text });
      if (key === groupKey(name)) this.#revisions.set(name, revision);
    }
  }
}

/** All that is stored of one group. @throws {SeglogError} `corrupt` */
async function storedIn(transaction: KvTransaction, name: string): Promise<StoredGroup> {
  const group = { generation: 0, offsets: new Map() };
  const own = await transaction.get(groupKey(name));
  if (own !== undefined) takeIn(group, own);
  for await (const entry of transaction.list({ prefix: offsetsOf(name) })) takeIn(group, entry);
  return group;
}

function takeIn(
  group: StoredGroup,
  { key, text }: { readonly key: string; readonly text: string },
): void {
  const [, kind, , topicId, partition] = KEY.exec(key) ?? [];
  if (kind === "g") {
    group.generation = parsed<{ generation: number }>(key, text, GENERATION).generation;
    return;
  }
  if (topicId === undefined) throw corrupt(key, "its key is not one of ours");
  const value = parsed<Committed>(key, text, OFFSET);
  const committed = { ...value, topicId, partition: Number(partition) };
  group.offsets.set(offsetKey(committed), committed);
}

function groupKey(name: string): string {
  return `g/${encodeURIComponent(name)}`;
}

/** What the keys of a group's offsets begin with. */
function offsetsOf(name: string): string {
  return `o/${encodeURIComponent(name)}/`;
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
