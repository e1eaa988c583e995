/**
 * The schemas of all topics, kept in an internal topic and all in memory: what others register there
 * is seen.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { Clock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { Catalogue } from "../catalogue.ts";
import { type Compatibility, COMPATIBILITY_DEFAULT, incompatible } from "./compatibility.ts";
import type { Verdict } from "./judging.ts";
import { SCHEMA_TOPICS_MAX, SCHEMA_VERSIONS_MAX } from "./limits.ts";
import type { RecordCheck } from "./record_check.ts";
import { parseTopicSchemas, type SchemaVersion, type TopicSchemas } from "./topic_schemas.ts";

/** Where schemas are kept, by the names of topics. */
export const SCHEMAS_TOPIC: string = `${INTERNAL_PREFIX}schemas`;

/** What a registry is opened with. */
export interface RegistryOptions {
  readonly clock: Clock;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
}

/** A schema that somebody wants a topic to have. */
export interface GivenSchema {
  readonly schema: unknown;
  /** As the topic has it unless given. */
  readonly compatibility?: Compatibility | undefined;
}

/** Whether a schema may be registered, and the check of it. */
export interface JudgedSchema extends Verdict {
  readonly check: RecordCheck;
}

/** What came of a registration. */
export interface Registered {
  readonly version: number;
  readonly compatibility: Compatibility;
  /** Whether it is a new version, and not the latest one again. */
  readonly isNew: boolean;
}

/** What understands schemas. It has Ajv in it, and is loaded with the first schema that is there. */
type Judging = typeof import("./judging.ts");

/** Keeps schemas, and has the check of each topic at hand. */
export class SchemaRegistry {
  readonly #backend: Backend;
  readonly #options: RegistryOptions;
  readonly #checks = new Map<string, { readonly of: SchemaVersion; readonly check: RecordCheck }>();
  /** Topics of whose names there are schemas that belong to one that was deleted. */
  readonly #stale = new Set<string>();
  #opening: Promise<void> | undefined;
  #catalogue: Catalogue<TopicSchemas> | undefined;
  #loading: Promise<Judging> | undefined;
  #judging: Judging | undefined;

  /** @param backend which checks nothing itself */
  constructor(backend: Backend, options: RegistryOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /** Reads all schemas, once. @throws {SeglogError} when they cannot be read: another try may do */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** The topics that have schemas, in the order of their names. */
  list(): (readonly [topic: string, TopicSchemas])[] {
    return this.#known.entries().filter(([topic]) => this.#found(topic) !== undefined)
      .map(([topic, found]) => [topic, found] as const);
  }

  /** The schemas of a topic. @throws {SeglogError} `not-found` */
  get(topic: string): TopicSchemas {
    const found = this.#found(topic);
    if (found !== undefined) return found;
    throw new SeglogError(
      "not-found",
      `Cannot find a schema of ${JSON.stringify(topic.slice(0, 80))}: it has none`,
    );
  }

  /** One version of the schema of a topic. @throws {SeglogError} `not-found` */
  version(topic: string, version: number): SchemaVersion {
    const { versions } = this.get(topic);
    const found = versions.find((each) => each.version === version);
    if (found !== undefined) return found;
    const all = versions.map((each) => each.version).join(", ");
    throw new SeglogError(
      "not-found",
      `Cannot find version ${version} of the schema of "${topic}": there are ${all}`,
    );
  }

  /**
   * The check of the version that is in force; `undefined` where there is none. It is a promise only
   * until schemas, and what understands them, are in memory.
   *
   * @throws {SeglogError} when schemas cannot be read any more, or this one is not understood
   */
  checkOf(topic: string): RecordCheck | undefined | Promise<RecordCheck | undefined> {
    if (this.#catalogue === undefined) return this.open().then(() => this.checkOf(topic));
    const of = this.#found(topic)?.versions.at(-1);
    if (of === undefined) return undefined;
    const known = this.#checks.get(topic);
    if (known?.of === of) return known.check;
    if (this.#judging === undefined) return this.#load().then(() => this.checkOf(topic));
    const { RecordCheck, understand } = this.#judging;
    const check = new RecordCheck(topic, of.version, understand(of.schema));
    this.#checks.set(topic, { of, check });
    return check;
  }

  /** What would come of a registration. @throws {SeglogError} `invalid-argument`, `too-large` */
  async judge(topic: string, { schema, compatibility }: GivenSchema): Promise<JudgedSchema> {
    const { judged, RecordCheck, understand } = await this.#load();
    const validator = understand(schema);
    const verdict = judged(validator.document, { found: this.#kept(topic), compatibility });
    return { ...verdict, check: new RecordCheck(topic, verdict.version, validator) };
  }

  /**
   * Makes a schema the latest version of a topic, making the topic when needed.
   *
   * @throws {SeglogError} `invalid-argument` for what is no schema; `incompatible`; `too-large`
   */
  async register(topic: string, given: GivenSchema): Promise<Registered> {
    const { judged, understand } = await this.#load();
    const { document } = understand(given.schema); // what is no schema makes no topic
    const { topic: { id: topicId } } = await this.#backend.ensureTopic(topic);
    let outcome: Registered | undefined;
    await this.#known.update(topic, (kept) => {
      const found = kept?.topicId === topicId ? kept : undefined;
      if (found === undefined) this.#checkRoom(topic);
      const verdict = judged(document, { found, compatibility: given.compatibility });
      const { compatibility, incompatibility, version } = verdict;
      if (incompatibility !== undefined) throw incompatible(topic, compatibility, incompatibility);
      const before = found ?? { topicId, lastVersion: 0, versions: [] };
      const isNew = version > before.lastVersion;
      outcome = { version, compatibility, isNew };
      if (!isNew) {
        return found!.compatibility === compatibility ? undefined : { ...found!, compatibility };
      }
      if (before.versions.length >= SCHEMA_VERSIONS_MAX) throw tooMany(topic);
      const registeredAt = this.#options.clock.now();
      const added = { version, registeredAt, schema: document.root.schema };
      const versions = [...before.versions, added];
      return { topicId, compatibility, lastVersion: version, versions };
    });
    this.#stale.delete(topic);
    return outcome!;
  }

  /** Removes the schemas of a topic: its records are not checked any more. @throws {SeglogError} `not-found` */
  async remove(topic: string): Promise<void> {
    await this.#known.update(topic, () => ({
      ...this.get(topic),
      compatibility: COMPATIBILITY_DEFAULT,
      versions: [],
    }));
    this.#checks.delete(topic);
  }

  /** Forgets the schemas of a topic that was deleted: one of the same name starts without. */
  async forget(topic: string): Promise<void> {
    await this.open();
    this.#checks.delete(topic);
    if (this.#known.get(topic) === undefined) return;
    this.#stale.add(topic);
    await this.#known.delete(topic);
    this.#stale.delete(topic);
  }

  /** Lets go of the topic in which schemas are kept. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#catalogue?.close();
  }

  /** What a crash left behind of a topic that was deleted belongs to none that is there. */
  async #open(): Promise<void> {
    const catalogue = await Catalogue.open(this.#backend, {
      topic: SCHEMAS_TOPIC,
      parse: parseTopicSchemas,
      ...this.#options,
    });
    const kept = catalogue.entries();
    if (kept.length > 0) {
      const topics = await this.#backend.listTopics();
      const ids = new Map(topics.map(({ name, id }) => [name, id]));
      for (const [topic, { topicId }] of kept) {
        if (ids.get(topic) !== topicId) this.#stale.add(topic);
      }
    }
    if (kept.some(([, { versions }]) => versions.length > 0)) await this.#load();
    this.#catalogue = catalogue;
  }

  #load(): Promise<Judging> {
    return this.#loading ??= import("./judging.ts").then((judging) => this.#judging = judging);
  }

  get #known(): Catalogue<TopicSchemas> {
    if (this.#catalogue !== undefined) return this.#catalogue;
    throw new SeglogError("unavailable", "Cannot look for schemas: they are being read");
  }

  /** What there is of a topic, even if its versions were removed. */
  #kept(topic: string): TopicSchemas | undefined {
    const kept = this.#known.get(topic);
    return kept === undefined || this.#stale.has(topic) ? undefined : kept;
  }

  #found(topic: string): TopicSchemas | undefined {
    const kept = this.#kept(topic);
    return kept === undefined || kept.versions.length === 0 ? undefined : kept;
  }

  #checkRoom(topic: string): void {
    if (this.#known.entries().length < SCHEMA_TOPICS_MAX) return;
    throw new SeglogError(
      "too-large",
      `Cannot use a schema for "${topic}": ${SCHEMA_TOPICS_MAX} topics have some, which are the most`,
      { details: { limit: SCHEMA_TOPICS_MAX } },
    );
  }
}

function tooMany(topic: string): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot use the schema for "${topic}": it has ${SCHEMA_VERSIONS_MAX} versions, which are the most; remove them to begin anew`,
    { details: { limit: SCHEMA_VERSIONS_MAX } },
  );
}
