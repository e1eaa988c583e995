/**
 * How `append` is asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { choice, keyValue, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { count, duration, syncMode } from "./values.ts";
import { examples, prose, topicArgument, type Verb } from "./verb.ts";

const options = object({
  topic: topicArgument,
  values: multiple(argument(string({ metavar: "VALUE" }), {
    description: prose`What to append, each as one record, all of them or none. Without any, lines
      of standard input; also when it is a single -. Put -- before values that begin with -.`,
  })),
  key: optional(option("-k", "--key", string({ metavar: "KEY" }), {
    description: prose`Key of all records. It chooses the partition.`,
  })),
  headers: multiple(option("-H", "--header", keyValue({ separator: ":", metavar: "NAME:TEXT" }), {
    description: prose`Header of all records. Can be given again.`,
  })),
  partition: optional(option("-p", "--partition", count("PARTITION"), {
    description: prose`Append to this partition, whatever the keys.`,
  })),
  input: optional(option("-i", "--input", path({ metavar: "FILE" }), {
    description: prose`Read this file instead of standard input, which is -.`,
  })),
  keySeparator: optional(option("-K", "--key-separator", string({ metavar: "SEP" }), {
    description: prose`What stands before the first SEP is the key, what follows is the value.
      Without SEP there is no key. \\t is a tab.`,
  })),
  format: optional(option("--format", choice(["text", "json", "raw"], { metavar: "FORMAT" }), {
    description: prose`text (default): a line is a value. json: a line is a JSON value, which is
      checked and kept byte for byte. raw: the whole input is one value of bytes.`,
  })),
  shaped: option("-J", "--json", {
    description: prose`Lines are records as JSON, as read -J writes them.`,
  }),
  sync: optional(option("--sync", syncMode(), {
    description: prose`Acknowledge by this mode instead of the topic's own: always,
      interval:200ms or os.`,
  })),
  lingerMs: optional(option("--linger", duration(), {
    description: prose`How long lines of a slow input wait for others to share a batch. 5ms unless
      given.`,
  })),
  ifOffset: optional(option("--if-offset", count("N"), {
    description: prose`Append only if the first record gets offset N, else exit with 4.`,
  })),
});

/** The options of `append`. */
export type AppendVerbOptions = InferValue<typeof options>;

const bound = map(options, (given): Verb => async (context) => {
  const { append } = await import("../commands/append.ts");
  return await append(context, given);
});

export const appendGrammar = command("append", bound, {
  brief: prose`Append records to a topic.`,
  description:
    prose`Prints the offset, 41, or for several records the range of offsets, 41..44: from 41 up
      to, not including, 44. The topic is made when it is not there.`,
  footer: examples(
    "seglog append orders hello",
    "seglog append orders -k u1 -H trace:a1 --format json '{\"qty\":2}'",
    "seglog append events < events.ndjson",
    "tail -f app.log | seglog append logs",
    "seglog append users -K : -i users.txt",
    "seglog read orders -J | seglog append copy -J",
  ),
});
