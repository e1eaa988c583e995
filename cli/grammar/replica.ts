/**
 * How `mirror`, `follow` and `promote` are asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, multiple } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { path } from "@optique/run/valueparser";
import { topicName } from "./values.ts";
import { examples, prose, type Verb } from "./verb.ts";

const shaped = option("-J", "--json", { description: prose`Write one JSON object.` });

const mirrorOptions = object({
  from: argument(path({ metavar: "FROM" }), {
    description: prose`A folder, also while it is written to, or a URL.`,
  }),
  to: argument(path({ metavar: "TO" }), {
    description: prose`A folder, made when needed, or the URL of a cluster.`,
  }),
  topics: multiple(option("--topic", topicName(), {
    description: prose`Only this topic; can be given again. All, and what a server keeps for itself,
      unless given.`,
  })),
  follow: option("--follow", {
    description: prose`Look for more every second, until a signal.`,
  }),
  verify: option("--verify", {
    description:
      prose`Compare every record when all is copied; the exit code is 5 when one differs.`,
  }),
  shaped,
});

/** The options of `mirror`. */
export type MirrorVerbOptions = InferValue<typeof mirrorOptions>;

export const mirrorGrammar = command(
  "mirror",
  map(mirrorOptions, (given): Verb => async (context) => {
    const { mirror } = await import("../commands/mirror.ts");
    return await mirror(context, given);
  }),
  {
    brief: prose`Copy topics to another place, with their offsets.`,
    description:
      prose`Topics keep their ids and settings, records their offsets, times and producers.
      What is there already is not copied again: what was cut short is gone on with by the same
      command. Records that TO has otherwise are refused, with exit code 4.`,
    footer: examples(
      "seglog mirror ./data /mnt/other/data",
      "seglog mirror http://127.0.0.1:8080 ./copy --verify",
      "seglog mirror ./data nats://127.0.0.1:4222 --topic orders",
    ),
  },
);

const followOptions = object({
  source: argument(path({ metavar: "URL" }), {
    description: prose`The server to follow, or a folder.`,
  }),
  data: option("--data", path({ metavar: "DIR" }), {
    description: prose`The folder of the replica, made when needed.`,
  }),
  once: option("--once", {
    description: prose`End when the replica has all that is there now.`,
  }),
  renamed: option("--renamed", {
    description:
      prose`URL is what the replica has followed already, at another address, or what took
      its place.`,
  }),
  discardDiverged: option("--discard-diverged", {
    description:
      prose`Make a replica of a store of its own, such as a leader that was replaced: what
      it has is kept in DIR/quarantine, and everything is copied anew.`,
  }),
});

/** The options of `follow`. */
export type FollowVerbOptions = InferValue<typeof followOptions>;

export const followGrammar = command(
  "follow",
  map(followOptions, (given): Verb => async (context) => {
    const { follow } = await import("../commands/follow.ts");
    return await follow(context, given);
  }),
  {
    brief: prose`Keep a folder in step with a server: a read replica.`,
    description: prose`Runs until a signal. The replica can be read by every verb, and served with
      serve --role query. It takes no other records until promote makes it a store of its own. A
      server with credentials wants those of who runs it.`,
    footer: examples(
      "seglog follow http://10.0.0.5:8080 --data ./replica",
      "seglog follow http://10.0.0.5:8080 --data ./replica --once",
      "seglog serve --data ./replica --role query --http 127.0.0.1:8081",
    ),
  },
);

const promoteOptions = object({
  folder: argument(path({ metavar: "DIR" }), { description: prose`The folder of a replica.` }),
  shaped,
});

/** The options of `promote`. */
export type PromoteVerbOptions = InferValue<typeof promoteOptions>;

export const promoteGrammar = command(
  "promote",
  map(promoteOptions, (given): Verb => async (context) => {
    const { promote } = await import("../commands/promote.ts");
    return await promote(context, given);
  }),
  {
    brief: prose`Make a replica a store that can be written to.`,
    description:
      prose`It follows nobody any more, and begins a new epoch, which is printed: what the
      old leader still takes in is refused by whoever knows that. Stop follow first, and the old
      leader where that can be done. What it had and the replica had not is not here.`,
    footer: examples("seglog promote ./replica", "seglog serve --data ./replica"),
  },
);
