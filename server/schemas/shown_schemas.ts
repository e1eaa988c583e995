/**
 * Schemas as they are told, over HTTP and by the command line: one shape for both.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { checkRecords, type LookBack } from "./check_records.ts";
import { type Compatibility, explainIncompatibility } from "./compatibility.ts";
import type { GivenSchema, Registered, SchemaRegistry } from "./schema_registry.ts";
import type { SchemaVersion, TopicSchemas } from "./topic_schemas.ts";

/** The schemas of one topic. */
export interface ShownSchemas {
  readonly topic: string;
  readonly compatibility: Compatibility;
  /** The latest version, which is in force. */
  readonly version: number;
  readonly versions: readonly { readonly version: number; readonly registeredAt: string }[];
}

/** One version. */
export interface ShownVersion {
  readonly topic: string;
  readonly compatibility: Compatibility;
  readonly version: number;
  readonly registeredAt: string;
  readonly schema: unknown;
}

/** What came of a registration. */
export interface ShownRegistration extends Registered {
  readonly topic: string;
}

/** Whether a schema could be registered. */
export interface ShownVerdict {
  readonly topic: string;
  readonly compatibility: Compatibility;
  /** The version that it would have. */
  readonly version: number;
  readonly compatible: boolean;
  /** Why not; `null` when it could. */
  readonly reason: string | null;
  /** What was found in the newest records, where that was asked for. */
  readonly records: LookBack | null;
}

/** What to look at beside the other versions. */
export interface AskedSchema extends GivenSchema {
  /** So many of the newest records of each partition; none unless given. */
  readonly records?: number | undefined;
}

/** The schemas of one topic, to be told. */
export function shownSchemas(
  topic: string,
  { compatibility, versions }: TopicSchemas,
): ShownSchemas {
  return {
    topic,
    compatibility,
    version: versions.at(-1)!.version,
    versions: versions.map(({ version, registeredAt }) => ({
      version,
      registeredAt: timeOf(registeredAt),
    })),
  };
}

/** One version, to be told. @throws {SeglogError} `not-found` */
export function shownVersion(
  registry: SchemaRegistry,
  topic: string,
  version?: number,
): ShownVersion {
  const { compatibility, versions } = registry.get(topic);
  const found: SchemaVersion = version === undefined
    ? versions.at(-1)!
    : registry.version(topic, version);
  const { registeredAt, schema } = found;
  return {
    topic,
    compatibility,
    version: found.version,
    registeredAt: timeOf(registeredAt),
    schema,
  };
}

/** What would come of a registration, to be told. */
export async function shownVerdict(
  registry: SchemaRegistry,
  topic: string,
  { given, backend }: { readonly given: AskedSchema; readonly backend: Backend },
): Promise<ShownVerdict> {
  const { check, compatibility, version, incompatibility } = await registry.judge(topic, given);
  return {
    topic,
    compatibility,
    version,
    compatible: incompatibility === undefined,
    reason: incompatibility === undefined ? null : explainIncompatibility(incompatibility),
    records: given.records === undefined
      ? null
      : await checkRecords(backend, topic, { check, count: given.records }),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
