/**
 * What can be set for a topic, with its defaults and its checks.
 *
 * @module
 */
import { SeglogError } from "./base/errors.ts";
import {
  PARTITIONS_MAX,
  SEGMENT_AGE_MS_DEFAULT,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
} from "./base/limits.ts";
import { type Codec, CODECS } from "./format/compression.ts";
import { parseSyncMode, type SyncMode } from "./format/sync_mode.ts";

/** The settings of one topic. `null` means without limit. */
export interface TopicConfig {
  /** Logs that the topic is spread over, 1 to 1024; fixed when the topic is created. */
  readonly partitions: number;
  /** Bytes at which a segment is full and the log rolls. */
  readonly segmentBytes: number;
  /** Age in milliseconds at which a segment that holds records is rolled. */
  readonly segmentAgeMs: number;
  /** Records older than this many milliseconds are dropped. */
  readonly retentionMs: number | null;
  /** Oldest segments are dropped while a partition would still have this many bytes. */
  readonly retentionBytes: number | null;
  /** Records beyond the newest this many of a partition are dropped. */
  readonly retentionRecords: number | null;
  /** When an append is acknowledged. */
  readonly sync: SyncMode;
  /** How batches are compressed. */
  readonly compression: Codec;
}

/** What a topic gets where nothing is said. */
export const DEFAULT_TOPIC_CONFIG: TopicConfig = {
  partitions: 1,
  segmentBytes: SEGMENT_BYTES_DEFAULT,
  segmentAgeMs: SEGMENT_AGE_MS_DEFAULT,
  retentionMs: null,
  retentionBytes: null,
  retentionRecords: null,
  sync: "always",
  compression: "none",
};

const CHECKS: { readonly [Name in keyof TopicConfig]: (value: unknown) => string | undefined } = {
  partitions: wholeNumber(1, PARTITIONS_MAX),
  segmentBytes: wholeNumber(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
  segmentAgeMs: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  retentionMs: orNull(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  retentionBytes: orNull(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  retentionRecords: orNull(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  sync: syncMode,
  compression: (value) =>
    CODECS.includes(value as Codec) ? undefined : `must be one of ${CODECS.join(", ")}`,
};

/**
 * Checks settings that come from outside: a JSON body, a command line, a catalogue.
 *
 * @param input an object with some of the settings, and no other names
 * @returns the same settings, typed
 * @throws {SeglogError} `invalid-argument`, naming the setting and what it may be
 */
export function parseTopicConfig(input: unknown): Partial<TopicConfig> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot configure a topic: give an object of settings",
    );
  }
  for (const [name, value] of Object.entries(input)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof TopicConfig] : undefined;
    if (check === undefined) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot configure "${name.slice(0, 80)}": the settings are ${
          Object.keys(CHECKS).join(", ")
        }`,
      );
    }
    const complaint = check(value);
    if (complaint !== undefined) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot set ${name} to ${JSON.stringify(value)?.slice(0, 80)}: it ${complaint}`,
        { details: { setting: name } },
      );
    }
  }
  return input as Partial<TopicConfig>;
}

function wholeNumber(least: number, most: number): (value: unknown) => string | undefined {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `must be a whole number from ${least} to ${most}`;
}

function orNull(check: (value: unknown) => string | undefined) {
  return (value: unknown) => {
    const complaint = value === null ? undefined : check(value);
    return complaint === undefined ? undefined : `${complaint}, or null for no limit`;
  };
}

function syncMode(value: unknown): string | undefined {
  if (typeof value === "string" && parseSyncMode(value) !== undefined) return undefined;
  return 'must be "always", "os" or an interval such as "interval:200ms"';
}
