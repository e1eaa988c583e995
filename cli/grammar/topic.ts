/**
 * How `topic create`, `ls`, `info`, `set` and `rm` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { CODECS } from "../../core/format/compression.ts";
import { COMPACTIONS } from "../../core/format/log_settings.ts";
import { count, duration, orNone, share, size, syncMode } from "./values.ts";
import { examples, prose, topicArgument, type Verb, yesOption } from "./verb.ts";

const partitions = optional(option("--partitions", count("N", 1), {
  description: prose`How many logs it is spread over, 1 unless given. Fixed from then on.`,
}));

const settings = {
  segmentBytes: optional(option("--segment-bytes", size(), {
    description: prose`Size at which a log goes on in a new segment. The default is 64MiB.`,
  })),
  segmentAgeMs: optional(option("--segment-age", duration(), {
    description: prose`Age at which it does so too. The default is 7d.`,
  })),
  retentionMs: optional(option("--retention-age", orNone(duration()), {
    description: prose`Drop records that are older.`,
  })),
  retentionBytes: optional(option("--retention-bytes", orNone(size()), {
    description: prose`Drop the oldest segments while a partition has this much without them.`,
  })),
  retentionRecords: optional(option("--retention-records", orNone(count("N", 1)), {
    description: prose`Drop all but the newest N records of a partition.`,
  })),
  sync: optional(option("--sync", syncMode(), {
    description: prose`When an append is acknowledged: always (default), once it survives a loss
      of power; os, once the system has it; interval:200ms, as os and synced in that time.`,
  })),
  compression: optional(option("--compression", choice(CODECS, { metavar: "CODEC" }), {
    description: prose`none (default), gzip or zstd.`,
  })),
  compaction: optional(option("--compaction", choice(COMPACTIONS, { metavar: "HOW" }), {
    description: prose`keys keeps of each key only the latest record, once segments are sealed; none
      (default) keeps all.`,
  })),
  garbageRatio: optional(option("--garbage-ratio", share(), {
    description: prose`Share of records that later ones replace at which a topic is compacted by
      itself; 0.5 unless given.`,
  })),
  tombstoneMs: optional(option("--tombstone-age", duration(), {
    description: prose`How long compaction keeps a tombstone for readers to see; 1d unless given.`,
  })),
};

const shaped = option("-J", "--json", { description: prose`Write JSON.` });

const createOptions = object({ topic: topicArgument, partitions, ...settings });
const lsOptions = object({ shaped });
const infoOptions = object({ topic: topicArgument, shaped });
const setOptions = object({ topic: topicArgument, ...settings });
const rmOptions = object({ topic: topicArgument, yes: yesOption });

/** The options of `topic create`. */
export type TopicCreateOptions = InferValue<typeof createOptions>;
/** The options of `topic ls`. */
export type TopicLsOptions = InferValue<typeof lsOptions>;
/** The options of `topic set`. */
export type TopicSetOptions = InferValue<typeof setOptions>;
/** The options of `topic rm`. */
export type TopicRmOptions = InferValue<typeof rmOptions>;

const create = command(
  "create",
  map(createOptions, (given): Verb => async (context) => {
    const { createTopic } = await import("../commands/topic.ts");
    return await createTopic(context, given);
  }),
  {
    brief: prose`Make a topic.`,
    description: prose`Nothing happens when it is there with these settings.`,
    footer: examples(
      "seglog topic create orders --partitions 4",
      "seglog topic create logs --retention-age 7d --compression zstd --sync interval:200ms",
    ),
  },
);

const ls = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listTopics } = await import("../commands/topic.ts");
    return await listTopics(context, given);
  }),
  {
    brief: prose`List the topics.`,
    description: prose`A table on a terminal, one name a line elsewhere.`,
    footer: examples("seglog topic ls", "seglog topic ls -J"),
  },
);

const info = command(
  "info",
  map(infoOptions, (given): Verb => async (context) => {
    const { info } = await import("../commands/info.ts");
    return await info(context, given);
  }),
  {
    brief: prose`Show one topic: its settings and what it holds.`,
    footer: examples("seglog topic info orders", "seglog topic info orders -J"),
  },
);

const set = command(
  "set",
  map(setOptions, (given): Verb => async (context) => {
    const { setTopic } = await import("../commands/topic.ts");
    return await setTopic(context, given);
  }),
  {
    brief: prose`Change settings of a topic.`,
    footer: examples(
      "seglog topic set logs --retention-age 30d",
      "seglog topic set logs --retention-age none --retention-bytes 10GiB",
    ),
  },
);

const rm = command(
  "rm",
  map(rmOptions, (given): Verb => async (context) => {
    const { removeTopic } = await import("../commands/topic.ts");
    return await removeTopic(context, given);
  }),
  {
    brief: prose`Remove a topic with all its records.`,
    description: prose`Asks on a terminal, else needs -y.`,
    footer: examples("seglog topic rm orders", "seglog topic rm orders -y"),
  },
);

export const topicGrammar = command("topic", or(create, ls, info, set, rm), {
  brief: prose`Make, list, change and remove topics.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog topic create orders --partitions 4",
    "seglog topic set orders --retention-age 30d",
    "seglog topic set --help",
  ),
});
