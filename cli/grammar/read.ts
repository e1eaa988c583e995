/**
 * How `read` and `tail` are asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { minOffsetOptions } from "./min_offset.ts";
import { count, range } from "./values.ts";
import { examples, partitionOption, prose, topicArgument, type Verb } from "./verb.ts";

const FORMAT_HELP = prose`Write records by this format. %o offset, %T timestamp in ms, %t topic,
  %p partition, %k key, %v value, %h headers, %s bytes of the value, %% a percent sign; \\n \\t \\r \\\\
  as in C. Nothing is added between records.`;

const shaped = option("-J", "--json", {
  description: prose`Write each record as one line of JSON with all that belongs to it.`,
});

const readOptions = object({
  topic: topicArgument,
  partition: partitionOption,
  range: optional(option("-o", "--offsets", range(), {
    description: prose`What to read: 42, start, end, -10 for the last ten, @ and a time such as
      @2026-11-20T00:00Z or @-1h; or from one to another, 10:20, the second not included.`,
  })),
  max: optional(option("-n", "--max", count("MAX"), {
    description: prose`Stop after this many records.`,
  })),
  reverse: option("--reverse", { description: prose`Newest first.` }),
  key: optional(option("--key", string({ metavar: "KEY" }), {
    description: prose`Only records with this key.`,
  })),
  format: optional(option("-f", "--format", string({ metavar: "FORMAT" }), {
    description: FORMAT_HELP,
  })),
  shaped,
  follow: option("--follow", {
    description: prose`Wait for more records at the end, until interrupted.`,
  }),
  group: optional(option("-g", "--group", string({ metavar: "GROUP" }), {
    description: prose`Read as a member of this consumer group, from where it has committed, and
      commit what was written. With -o end a new group begins at the end.`,
  })),
  ...minOffsetOptions,
});

/** The options of `read`. */
export type ReadVerbOptions = InferValue<typeof readOptions>;

export const readGrammar = command(
  "read",
  map(readOptions, (given): Verb => async (context) => {
    const { read } = await import("../commands/read.ts");
    return await read(context, given);
  }),
  {
    brief: prose`Read records of a topic.`,
    description:
      prose`Prints values, one a line, and stops at the end. A tombstone is an empty line. The
        partitions are read in turn, or as records come when following.`,
    footer: examples(
      "seglog read orders",
      "seglog read orders -o -10",
      "seglog read orders -o @-1h:end -J | jq .value",
      "seglog read orders --key u1 --reverse -n 1",
      "seglog read orders -f '%o %T %k %v\\n'",
      "seglog read orders -o end --follow",
      "seglog read orders --group billing --follow",
    ),
  },
);

const tailOptions = object({
  topic: topicArgument,
  partition: partitionOption,
  max: withDefault(
    option("-n", "--max", count("N"), {
      description: prose`How many records. 10 unless given.`,
    }),
    10,
  ),
  follow: option("-f", "--follow", {
    description: prose`Then wait for more, until interrupted.`,
  }),
  format: optional(option("--format", string({ metavar: "FORMAT" }), {
    description: prose`Write records by this format, as in read -f.`,
  })),
  shaped,
  ...minOffsetOptions,
});

/** The options of `tail`. */
export type TailVerbOptions = InferValue<typeof tailOptions>;

export const tailGrammar = command(
  "tail",
  map(tailOptions, (given): Verb => async (context) => {
    const { tail } = await import("../commands/tail.ts");
    return await tail(context, given);
  }),
  {
    brief: prose`Read the last records of a topic.`,
    description:
      prose`Prints the values of the last records, one a line, the newest last. Of several
        partitions it takes the newest by timestamp.`,
    footer: examples(
      "seglog tail orders",
      "seglog tail orders -n 100 -J",
      "seglog tail orders -n 0 -f",
    ),
  },
);
