/**
 * How `truncate`, `dump`, `info`, `verify` and `repair` are asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { path } from "@optique/run/valueparser";
import { count, offsets, position, topicName } from "./values.ts";
import { examples, partitionOption, prose, topicArgument, type Verb, yesOption } from "./verb.ts";

const truncateOptions = object({
  topic: topicArgument,
  partition: partitionOption,
  before: optional(option("--before", position("OFFSET|@TIME"), {
    description: prose`Make this the first readable offset. end removes every record.`,
  })),
  after: optional(option("--after", count("OFFSET"), {
    description: prose`Remove all records after this one.`,
  })),
  keep: optional(option("--keep", count("N"), {
    description: prose`Remove all records but the last N of each partition.`,
  })),
  dryRun: option("--dry-run", { description: prose`Say what would be removed, remove nothing.` }),
  yes: yesOption,
});

/** The options of `truncate`. */
export type TruncateVerbOptions = InferValue<typeof truncateOptions>;

export const truncateGrammar = command(
  "truncate",
  map(truncateOptions, (given): Verb => async (context) => {
    const { truncate } = await import("../commands/truncate.ts");
    return await truncate(context, given);
  }),
  {
    brief: prose`Remove records from one end of a topic.`,
    description: prose`Give --before, --after or --keep. Offsets are never used again: the next
      record gets the same offset as it would have got before. Asks on a terminal, else needs -y.`,
    footer: examples(
      "seglog truncate orders --before 1000",
      "seglog truncate orders --before @-7d -y",
      "seglog truncate orders --keep 1000000 --dry-run",
      "seglog truncate orders -p 0 --after 41",
    ),
  },
);

const compactOptions = object({ topic: topicArgument, partition: partitionOption, yes: yesOption });

/** The options of `compact`. */
export type CompactVerbOptions = InferValue<typeof compactOptions>;

export const compactGrammar = command(
  "compact",
  map(compactOptions, (given): Verb => async (context) => {
    const { compact } = await import("../commands/compact.ts");
    return await compact(context, given);
  }),
  {
    brief: prose`Keep of each key of a topic only the latest record.`,
    description:
      prose`Records that a later one with the same key replaces are removed, and tombstones
      that are old. Offsets stay what they are, and what has no key stays. Asks on a terminal, else
      needs -y, unless the topic is set to be compacted.`,
    footer: examples(
      "seglog compact users",
      "seglog compact users -p 0 -y",
      "seglog topic set users --compaction keys",
    ),
  },
);

const dumpOptions = object({
  paths: multiple(argument(path({ metavar: "FILE.log|FOLDER" }), {
    description: prose`A segment, the folder of a partition, or that of a store.`,
  })),
  headersOnly: option("--headers-only", { description: prose`Leave out the records.` }),
  shaped: option("-J", "--json", { description: prose`Write the records as lines of JSON.` }),
});

/** The options of `dump`. */
export type DumpVerbOptions = InferValue<typeof dumpOptions>;

export const dumpGrammar = command(
  "dump",
  map(dumpOptions, (given): Verb => async (context) => {
    const { dump } = await import("../commands/dump.ts");
    return await dump(context, given);
  }),
  {
    brief: prose`Show segment files as readable text.`,
    description: prose`A line for the segment, one for each batch, one for each record. Needs no
      lock and no index. At damage it says what and where, goes on with what can still be read, and
      exits with 5. Without FILE or FOLDER it dumps the store that --at names.`,
    footer: examples(
      "seglog dump data/orders-0/00000000000000000000.log",
      "seglog dump data/orders-0 --headers-only",
      "seglog dump -J backup/data | jq .key",
    ),
  },
);

const infoOptions = object({
  topic: optional(argument(topicName(), {
    description: prose`Show this topic; all of them unless given.`,
  })),
  shaped: option("-J", "--json", { description: prose`Write one JSON object.` }),
});

/** The options of `info` and `topic info`. */
export type InfoVerbOptions = InferValue<typeof infoOptions>;

export const infoGrammar = command(
  "info",
  map(infoOptions, (given): Verb => async (context) => {
    const { info } = await import("../commands/info.ts");
    return await info(context, given);
  }),
  {
    brief: prose`Show what a store or a topic holds.`,
    description: prose`A table on a terminal, lines of tab-separated columns elsewhere.`,
    footer: examples("seglog info", "seglog info orders", "seglog info -J | jq '.topics[].name'"),
  },
);

const verifyOptions = object({
  path: optional(argument(path({ metavar: "PATH" }), {
    description: prose`The folder of a store or a partition; what --at names unless given.`,
  })),
  shaped: option("-J", "--json", { description: prose`Write one JSON object.` }),
});

/** The options of `verify`. */
export type VerifyVerbOptions = InferValue<typeof verifyOptions>;

export const verifyGrammar = command(
  "verify",
  map(verifyOptions, (given): Verb => async (context) => {
    const { verify } = await import("../commands/verify.ts");
    return await verify(context, given);
  }),
  {
    brief: prose`Read everything and check it.`,
    description: prose`Every checksum of every record, and how the segments join. Changes nothing.
      Exits with 5 when something is damaged.`,
    footer: examples(
      "seglog verify",
      "seglog verify backup/data",
      "seglog --at http://127.0.0.1:8080 verify -J",
    ),
  },
);

const repairOptions = object({
  path: argument(path({ metavar: "PATH" }), {
    description: prose`The folder of one partition, such as data/orders-0. That of a store only when
      its store.json is damaged.`,
  }),
  acceptLoss: optional(option("--accept-loss", offsets(), {
    description: prose`Give up damaged records from offset A up to, not including, B, and no others.
      Unless given, nothing may be lost.`,
  })),
  dryRun: option("--dry-run", { description: prose`Say what would be lost, change nothing.` }),
  shaped: option("-J", "--json", { description: prose`Write one JSON object.` }),
  yes: yesOption,
});

/** The options of `repair`. */
export type RepairVerbOptions = InferValue<typeof repairOptions>;

export const repairGrammar = command(
  "repair",
  map(repairOptions, (given): Verb => async (context) => {
    const { repair } = await import("../commands/repair.ts");
    return await repair(context, given);
  }),
  {
    brief: prose`Get a damaged partition going again.`,
    description: prose`Keeps what is whole, gives up what cannot be read as far as --accept-loss
      allows, and keeps every damaged byte in quarantine/. Readers are told which offsets were lost.
      Exits with 5 and changes nothing when more would be lost, and says what. Works on folders that
      no server owns. Asks on a terminal, else needs -y.`,
    footer: examples(
      "seglog repair data/orders-0 --dry-run",
      "seglog repair data/orders-0 --accept-loss 41:44",
      "seglog repair data/orders-0 --accept-loss 41:44 -y -J",
    ),
  },
);
