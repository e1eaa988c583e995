/**
 * How `schema add`, `ls`, `show`, `check` and `rm` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { count } from "./values.ts";
import { examples, prose, topicArgument, type Verb, yesOption } from "./verb.ts";

const shaped = option("-J", "--json", { description: prose`Write JSON.` });

const file = argument(path({ metavar: "FILE" }), {
  description: prose`A JSON Schema; - is standard input.`,
});

const compatibility = optional(option(
  "--compatibility",
  choice([
    ...["none", "backward", "forward", "full"] as const,
    ...["backward-transitive", "forward-transitive", "full-transitive"] as const,
  ], { metavar: "HOW" }),
  {
    description: prose`What a new version has to be: backward (default), it accepts what the
      version before accepts; forward, the other way round; full, both; none. With -transitive it is
      asked of all versions. As the topic has it unless given.`,
  },
));

const addOptions = object({ topic: topicArgument, file, compatibility, shaped });
const lsOptions = object({ shaped });
const showOptions = object({
  topic: topicArgument,
  version: optional(argument(count("VERSION", 1), {
    description: prose`Its number; the latest unless given.`,
  })),
  shaped,
});
const checkOptions = object({
  topic: topicArgument,
  file,
  compatibility,
  records: optional(option("-n", "--records", count("N", 1), {
    description: prose`Look at the newest N records of each partition, too.`,
  })),
  shaped,
});
const rmOptions = object({ topic: topicArgument, yes: yesOption });

/** The options of `schema add`. */
export type SchemaAddOptions = InferValue<typeof addOptions>;
/** The options of `schema ls`. */
export type SchemaLsOptions = InferValue<typeof lsOptions>;
/** The options of `schema show`. */
export type SchemaShowOptions = InferValue<typeof showOptions>;
/** The options of `schema check`. */
export type SchemaCheckOptions = InferValue<typeof checkOptions>;
/** The options of `schema rm`. */
export type SchemaRmOptions = InferValue<typeof rmOptions>;

const add = command(
  "add",
  map(addOptions, (given): Verb => async (context) => {
    const { addSchema } = await import("../commands/schema.ts");
    return await addSchema(context, given);
  }),
  {
    brief: prose`Make a JSON Schema the next version of a topic's.`,
    description: prose`Records that are appended are checked against it from then on. Prints the
      number of the version. Nothing happens when it is the latest version already.`,
    footer: examples(
      "seglog schema add orders order.json",
      "seglog schema add orders order.json --compatibility full",
      `echo '{"type":"object"}' | seglog schema add orders -`,
    ),
  },
);

const ls = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listSchemas } = await import("../commands/schema.ts");
    return await listSchemas(context, given);
  }),
  {
    brief: prose`List the topics that have a schema.`,
    footer: examples("seglog schema ls", "seglog schema ls -J"),
  },
);

const show = command(
  "show",
  map(showOptions, (given): Verb => async (context) => {
    const { showSchema } = await import("../commands/schema.ts");
    return await showSchema(context, given);
  }),
  {
    brief: prose`Show a version of a topic's schema.`,
    footer: examples("seglog schema show orders", "seglog schema show orders 2"),
  },
);

const check = command(
  "check",
  map(checkOptions, (given): Verb => async (context) => {
    const { checkSchema } = await import("../commands/schema.ts");
    return await checkSchema(context, given);
  }),
  {
    brief: prose`Say whether a schema could be the next version.`,
    description: prose`Changes nothing. Exits with 1 when it could not, or when a record that was
      looked at does not fit.`,
    footer: examples(
      "seglog schema check orders order.json",
      "seglog schema check orders order.json --records 1000",
    ),
  },
);

const rm = command(
  "rm",
  map(rmOptions, (given): Verb => async (context) => {
    const { removeSchema } = await import("../commands/schema.ts");
    return await removeSchema(context, given);
  }),
  {
    brief: prose`Remove all versions of a topic's schema.`,
    description: prose`Records are not checked any more. Asks on a terminal, else needs -y.`,
    footer: examples("seglog schema rm orders", "seglog schema rm orders -y"),
  },
);

export const schemaGrammar = command("schema", or(add, ls, show, check, rm), {
  brief: prose`Say what the records of a topic have to be.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog schema add orders order.json",
    "seglog schema check orders order.json",
    "seglog schema add --help",
  ),
});
