/**
 * Understands schemas: what is one, what it refuses, and which may follow which. Everything that needs
 * Ajv is behind this file, which is imported when there is a schema.
 *
 * @module
 */
import { canonicalJson } from "./canonical.ts";
import {
  type Compatibility,
  COMPATIBILITY_DEFAULT,
  type Incompatibility,
} from "./compatibility.ts";
import { type EarlierSchema, findIncompatibility } from "./find_incompatibility.ts";
import { SchemaDocument } from "./schema_document.ts";
import type { TopicSchemas } from "./topic_schemas.ts";
import { Validator } from "./validator.ts";

export { RecordCheck } from "./record_check.ts";

/** Whether a schema may be registered. */
export interface Verdict {
  readonly compatibility: Compatibility;
  /** The version that it would have. */
  readonly version: number;
  readonly incompatibility: Incompatibility | undefined;
}

/** What a schema is registered beside. */
export interface Beside {
  /** What the topic has. */
  readonly found: TopicSchemas | undefined;
  /** What is asked for; as the topic has it unless given. */
  readonly compatibility: Compatibility | undefined;
}

/** Looks through a schema and makes it ready. @throws {SeglogError} `invalid-argument`, `too-large` */
export function understand(schema: unknown): Validator {
  return new Validator(new SchemaDocument(schema));
}

/** Whether a schema may be the next version. @throws {SeglogError} `too-large` */
export function judged(
  document: SchemaDocument,
  { found, compatibility: asked }: Beside,
): Verdict {
  const compatibility = asked ?? found?.compatibility ?? COMPATIBILITY_DEFAULT;
  const versions = found?.versions ?? [];
  const latest = versions.at(-1);
  const isLatest = latest !== undefined &&
    canonicalJson(latest.schema) === canonicalJson(document.root.schema);
  if (isLatest) return { compatibility, version: latest.version, incompatibility: undefined };
  const earlier = versions.map(({ version, schema }): EarlierSchema => ({
    version,
    document: () => new SchemaDocument(schema),
  }));
  return {
    compatibility,
    version: (found?.lastVersion ?? 0) + 1,
    incompatibility: findIncompatibility(document, earlier, compatibility),
  };
}
