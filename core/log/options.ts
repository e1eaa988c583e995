/**
 * How a log is opened.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { SeglogError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import type { ProducerStamp } from "../format/producer_field.ts";
import {
  checkSettings,
  DEFAULT_LOG_SETTINGS,
  LOG_SETTING_CHECKS,
  type LogSettings,
} from "../format/log_settings.ts";
import { parseSyncMode, type SyncMode, type SyncPolicy } from "../format/sync_mode.ts";

/** How a log is opened. */
export interface LogOptions extends Partial<LogSettings> {
  /** Read beside the owner: no lock is taken, nothing is written. */
  readonly readOnly?: boolean;
  /** Make the log when there is none; true unless given. */
  readonly create?: boolean;
  /** Names the log in messages; its folder unless given. */
  readonly name?: string;
  /** The file system; the machine's unless given. */
  readonly disk?: Disk;
  /** Time; the machine's unless given. */
  readonly clock?: Clock;
}

/** How one append is made. */
export interface WriteOptions {
  /** Append only when the first record would get exactly this offset. */
  readonly expectedOffset?: number;
  /** Makes a retry with the same sequence answer like the first try. */
  readonly producer?: ProducerStamp;
  /** Acknowledge by this mode instead of the log's own. */
  readonly sync?: SyncMode;
}

/** The settings in `options`, with defaults for the rest. @throws {SeglogError} `invalid-argument` */
export function settingsOf(options: Partial<LogSettings>): LogSettings {
  const given: Partial<LogSettings> = {};
  for (const name of Object.keys(DEFAULT_LOG_SETTINGS) as (keyof LogSettings)[]) {
    if (options[name] !== undefined) Object.assign(given, { [name]: options[name] });
  }
  checkSettings(given as Record<string, unknown>, LOG_SETTING_CHECKS);
  return { ...DEFAULT_LOG_SETTINGS, ...given };
}

/** A sync mode taken apart. @throws {SeglogError} `invalid-argument` */
export function syncPolicyOf(sync: SyncMode): SyncPolicy {
  const policy = parseSyncMode(sync);
  if (policy !== undefined) return policy;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use "${sync}" as a sync mode: it is "always", "os" or an interval such as "interval:200ms"`,
  );
}
