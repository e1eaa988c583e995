/**
 * The settings of a topic that is made without saying them.
 *
 * @module
 */
import { text } from "@optique/core/message";
import { choice, type ValueParser } from "@optique/core/valueparser";
import { CODECS } from "../../core/format/compression.ts";
import { COMPACTIONS } from "../../core/format/log_settings.ts";
import { TOPIC_SETTING_CHECKS, type TopicConfig } from "../../core/topic_config.ts";
import { count, duration, orNone, share, size, syncMode } from "../grammar/values.ts";
import { prose } from "../grammar/verb.ts";
import { type Setting, setting } from "./setting.ts";

/** What a topic gets that is made without saying it. */
export const TOPIC_SETTINGS = {
  partitions: setting("topics.partitions", {
    parser: checkedAs("partitions", count("N", 1)),
    standard: "1",
    description: prose`How many logs a topic is spread over.`,
  }),
  segmentBytes: setting("topics.segment-bytes", {
    parser: checkedAs("segmentBytes", size()),
    standard: "64MiB",
    description: prose`Size at which a log goes on in a new segment.`,
  }),
  segmentAgeMs: setting("topics.segment-age", {
    parser: checkedAs("segmentAgeMs", duration()),
    standard: "7d",
    description: prose`Age at which it does so too.`,
  }),
  retentionMs: setting("topics.retention-age", {
    parser: checkedAs("retentionMs", orNone(duration())),
    standard: "none",
    description: prose`Drop records that are older.`,
  }),
  retentionBytes: setting("topics.retention-bytes", {
    parser: checkedAs("retentionBytes", orNone(size())),
    standard: "none",
    description: prose`Drop the oldest segments while a partition has this much without them.`,
  }),
  retentionRecords: setting("topics.retention-records", {
    parser: checkedAs("retentionRecords", orNone(count("N", 1))),
    standard: "none",
    description: prose`Drop all but the newest N records of a partition.`,
  }),
  sync: setting("topics.sync", {
    parser: syncMode(),
    standard: "always",
    description: prose`When an append is acknowledged: always, once it survives a loss of power; os,
      once the system has it; interval:200ms, as os and synced in that time.`,
  }),
  compression: setting("topics.compression", {
    parser: choice(CODECS, { metavar: "CODEC" }),
    standard: "none",
    description: prose`none, gzip or zstd.`,
  }),
  compaction: setting("topics.compaction", {
    parser: choice(COMPACTIONS, { metavar: "HOW" }),
    standard: "none",
    description: prose`keys keeps of each key only the latest record; none keeps all.`,
  }),
  garbageRatio: setting("topics.garbage-ratio", {
    parser: share(),
    standard: "0.5",
    description: prose`Share of records that later ones replace at which a topic is compacted by
      itself.`,
  }),
  tombstoneMs: setting("topics.tombstone-age", {
    parser: checkedAs("tombstoneMs", duration()),
    standard: "1d",
    description: prose`How long compaction keeps a tombstone for readers to see.`,
  }),
} satisfies { [Name in keyof TopicConfig]: Setting<TopicConfig[Name]> };

/** A parser that refuses what the store would refuse. */
function checkedAs<T extends number | null>(
  name: keyof TopicConfig,
  parser: ValueParser<"sync", T>,
): ValueParser<"sync", T> {
  return {
    ...parser,
    parse(input) {
      const result = parser.parse(input);
      if (!result.success) return result;
      const complaint = TOPIC_SETTING_CHECKS[name](result.value);
      if (complaint === undefined) return result;
      return { success: false, error: [text(`it ${complaint}, but is ${JSON.stringify(input)}`)] };
    },
  };
}
