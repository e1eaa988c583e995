/**
 * How `group ls`, `lag`, `seek` and `rm` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { positionText } from "./values.ts";
import { examples, partitionOption, prose, topicArgument, type Verb, yesOption } from "./verb.ts";

const groupArgument = argument(string({ metavar: "GROUP" }), {
  description: prose`Name of the consumer group.`,
});
const shaped = option("-J", "--json", { description: prose`Write JSON.` });
const force = option("-f", "--force", { description: prose`Although it has members.` });

const lsOptions = object({ shaped });
const lagOptions = object({ group: groupArgument, shaped });
const seekOptions = object({
  group: groupArgument,
  topic: topicArgument,
  to: option("--to", positionText("POSITION"), {
    description: prose`Where it goes on: start, end, 42, -10 for ten before the end, or @ and a time
      such as @2026-11-20T00:00Z or @-1h.`,
  }),
  partition: partitionOption,
  force: option("-f", "--force", {
    description: prose`Although members read the topic: they go on from there.`,
  }),
  shaped,
});
const rmOptions = object({ group: groupArgument, force, yes: yesOption });

/** The options of `group ls`. */
export type GroupLsOptions = InferValue<typeof lsOptions>;
/** The options of `group lag`. */
export type GroupLagOptions = InferValue<typeof lagOptions>;
/** The options of `group seek`. */
export type GroupSeekOptions = InferValue<typeof seekOptions>;
/** The options of `group rm`. */
export type GroupRmOptions = InferValue<typeof rmOptions>;

const ls = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listGroups } = await import("../commands/group.ts");
    return await listGroups(context, given);
  }),
  {
    brief: prose`List the groups.`,
    description: prose`A table on a terminal, one name a line elsewhere.`,
    footer: examples("seglog group ls", "seglog group ls -J"),
  },
);

const lag = command(
  "lag",
  map(lagOptions, (given): Verb => async (context) => {
    const { groupLag } = await import("../commands/group.ts");
    return await groupLag(context, given);
  }),
  {
    brief: prose`Show what a group has committed, and how much is left.`,
    description:
      prose`The lag is counted in offsets. Who the members are is known to a server only.`,
    footer: examples(
      "seglog group lag billing",
      "seglog --at http://127.0.0.1:8080 group lag billing -J | jq '[.partitions[].lag] | add'",
    ),
  },
);

const seek = command(
  "seek",
  map(seekOptions, (given): Verb => async (context) => {
    const { seekGroup } = await import("../commands/group.ts");
    return await seekGroup(context, given);
  }),
  {
    brief: prose`Move a group to another place in a topic.`,
    description:
      prose`Makes the group when there is none. Refused while members read the topic, unless
      forced.`,
    footer: examples(
      "seglog group seek billing orders --to start",
      "seglog group seek billing orders --to @-1h",
      "seglog group seek billing orders --to 42 -p 0 -f",
    ),
  },
);

const rm = command(
  "rm",
  map(rmOptions, (given): Verb => async (context) => {
    const { removeGroup } = await import("../commands/group.ts");
    return await removeGroup(context, given);
  }),
  {
    brief: prose`Forget a group and what it has committed.`,
    description: prose`Refused while it has members, unless forced. Asks on a terminal, else needs
      -y.`,
    footer: examples("seglog group rm billing", "seglog group rm billing -y"),
  },
);

export const groupGrammar = command("group", or(ls, lag, seek, rm), {
  brief: prose`List, look at, move and forget consumer groups.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog group ls",
    "seglog group lag billing",
    "seglog group seek --help",
    "seglog read orders --group billing",
  ),
});
