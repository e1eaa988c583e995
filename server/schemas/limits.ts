/**
 * The bounds of schemas.
 *
 * @module
 */

/** Characters of a schema as compact JSON. */
export const SCHEMA_CHARS_MAX: number = 64 * 1024;
/** How deep a schema may be nested, values in it included. */
export const SCHEMA_DEPTH_MAX = 64;
/** Schemas in one list, such as the alternatives of `anyOf`. */
export const SCHEMA_LIST_MAX = 100;
/** Schemas in one object, such as `properties`; of definitions there may be more. */
export const SCHEMA_MEMBERS_MAX = 1000;
/** Versions that one topic may have: all of them are kept in one record. */
export const SCHEMA_VERSIONS_MAX = 100;
/** Body of a request that registers a schema: it may be indented. */
export const SCHEMA_BODY_BYTES_MAX: number = 256 * 1024;
/** Topics that may have schemas: all of them are in memory. */
export const SCHEMA_TOPICS_MAX = 1000;
/** Patterns that a schema may have. */
export const SCHEMA_PATTERNS_MAX = 200;
/** Longest pattern, in characters: what matching costs grows with it. */
export const PATTERN_CHARS_MAX = 1000;
/** Longest text that is looked at for its format; a longer one does not have it. */
export const FORMAT_CHARS_MAX: number = 8 * 1024;
/** Steps that checking the records of one append may take: about half a second, for most of them. */
export const CHECK_STEPS_MAX = 100_000_000;
/** Steps that comparing a schema with those before it may take: about a second or two. */
export const COMPARE_STEPS_MAX = 3_000_000;
/** How deep comparing two schemas goes before it is given up. */
export const COMPARE_DEPTH_MAX = 100;
/** Most records that a check of a schema looks back at, over all partitions. */
export const CHECKED_RECORDS_MAX = 10_000;
