/**
 * The settings of a log that may change while it lives, with their defaults and their checks.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import {
  SEGMENT_AGE_MS_DEFAULT,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
  TOMBSTONE_MS_DEFAULT,
} from "../base/limits.ts";
import { type Codec, CODECS } from "./compression.ts";
import { parseSyncMode, type SyncMode } from "./sync_mode.ts";

/** How long records are kept. `null` means without limit. */
export interface RetentionPolicy {
  /** Records older than this many milliseconds are dropped. */
  readonly retentionMs: number | null;
  /** Oldest segments are dropped while a log would still have this many bytes. */
  readonly retentionBytes: number | null;
  /** Records beyond the newest this many are dropped. */
  readonly retentionRecords: number | null;
}

/** What can be set for a log. */
export interface LogSettings extends RetentionPolicy {
  /** Bytes at which a segment is full and the log rolls; 64 MiB unless set. */
  readonly segmentBytes: number;
  /** Age in milliseconds at which a segment that holds records is rolled; seven days unless set. */
  readonly segmentAgeMs: number;
  /** When an append is acknowledged; `always` unless set. */
  readonly sync: SyncMode;
  /** How batches are compressed; `none` unless set. */
  readonly compression: Codec;
  /** `keys`: of each key only the latest record is kept, once segments are sealed; `none` unless set. */
  readonly compaction: Compaction;
  /** Share of records, 0 to 1, that later ones replace, at which a log is compacted; a half unless set. */
  readonly garbageRatio: number;
  /** Milliseconds for which a tombstone stays, for readers to see it; a day unless set. */
  readonly tombstoneMs: number;
}

/** Whether a log is compacted, and by what. */
export type Compaction = "none" | "keys";

/** All kinds of compaction. */
export const COMPACTIONS: readonly Compaction[] = ["none", "keys"];

/** The limits of a log that drops no records by itself. */
export const NO_RETENTION: RetentionPolicy = {
  retentionMs: null,
  retentionBytes: null,
  retentionRecords: null,
};

/** What a log gets where nothing is said. */
export const DEFAULT_LOG_SETTINGS: LogSettings = {
  segmentBytes: SEGMENT_BYTES_DEFAULT,
  segmentAgeMs: SEGMENT_AGE_MS_DEFAULT,
  ...NO_RETENTION,
  sync: "always",
  compression: "none",
  compaction: "none",
  garbageRatio: 0.5,
  tombstoneMs: TOMBSTONE_MS_DEFAULT,
};

/** Says what is wrong with a value, as the end of a sentence; `undefined` when it is right. */
export type SettingCheck = (value: unknown) => string | undefined;

/** The check of each setting. */
export const LOG_SETTING_CHECKS: Readonly<Record<keyof LogSettings, SettingCheck>> = {
  segmentBytes: wholeNumber(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX),
  segmentAgeMs: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  retentionMs: orNull(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  retentionBytes: orNull(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  retentionRecords: orNull(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  sync: (value) =>
    typeof value === "string" && parseSyncMode(value) !== undefined
      ? undefined
      : 'must be "always", "os" or an interval such as "interval:200ms"',
  compression: (value) =>
    CODECS.includes(value as Codec) ? undefined : `must be one of ${CODECS.join(", ")}`,
  compaction: (value) =>
    COMPACTIONS.includes(value as Compaction)
      ? undefined
      : `must be one of ${COMPACTIONS.join(", ")}`,
  garbageRatio: (value) =>
    typeof value === "number" && value >= 0 && value <= 1
      ? undefined
      : "must be a number from 0 to 1",
  tombstoneMs: wholeNumber(0, Number.MAX_SAFE_INTEGER),
};

/** Allows the whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number): SettingCheck {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `must be a whole number from ${least} to ${most}`;
}

/**
 * Checks settings by name.
 *
 * @throws {SeglogError} `invalid-argument`, naming the setting and what it may be
 */
export function checkSettings(
  input: Readonly<Record<string, unknown>>,
  checks: Readonly<Record<string, SettingCheck>>,
): void {
  for (const [name, value] of Object.entries(input)) {
    if (!Object.hasOwn(checks, name)) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot set "${name.slice(0, 80)}": the settings are ${Object.keys(checks).join(", ")}`,
      );
    }
    const complaint = checks[name]!(value);
    if (complaint !== undefined) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot set ${name} to ${JSON.stringify(value)?.slice(0, 80)}: it ${complaint}`,
        { details: { setting: name } },
      );
    }
  }
}

function orNull(check: SettingCheck): SettingCheck {
  return (value) => {
    const complaint = value === null ? undefined : check(value);
    return complaint === undefined ? undefined : `${complaint}, or null for no limit`;
  };
}
