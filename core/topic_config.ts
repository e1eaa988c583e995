/**
 * What can be set for a topic, with its defaults and its checks.
 *
 * @module
 */
import { SeglogError } from "./base/errors.ts";
import { PARTITIONS_MAX } from "./base/limits.ts";
import {
  checkSettings,
  DEFAULT_LOG_SETTINGS,
  LOG_SETTING_CHECKS,
  type LogSettings,
  type RetentionPolicy,
  wholeNumber,
} from "./format/log_settings.ts";

/** The settings of one topic. */
export interface TopicConfig extends LogSettings {
  /** Logs that the topic is spread over, 1 to 1024; fixed when the topic is created. */
  readonly partitions: number;
}

/** What a topic gets where nothing is said. */
export const DEFAULT_TOPIC_CONFIG: TopicConfig = { partitions: 1, ...DEFAULT_LOG_SETTINGS };

/** Whether a topic drops records by itself. */
export function hasRetention(config: RetentionPolicy): boolean {
  return [config.retentionMs, config.retentionBytes, config.retentionRecords]
    .some((limit) => limit !== null);
}

/** The check of each setting. */
export const TOPIC_SETTING_CHECKS = {
  partitions: wholeNumber(1, PARTITIONS_MAX),
  ...LOG_SETTING_CHECKS,
};

/**
 * Checks settings that come from outside: a JSON body, a command line, a catalogue.
 *
 * @param input an object with some of the settings, and no other names; one that is `undefined`
 * is as good as left out
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
  const given = Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== undefined),
  );
  checkSettings(given, TOPIC_SETTING_CHECKS);
  return given;
}
