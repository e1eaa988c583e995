/**
 * How `query` is asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { keyValue, string } from "@optique/core/valueparser";
import { count, duration } from "./values.ts";
import { examples, prose, topicArgument, type Verb } from "./verb.ts";

const options = object({
  sql: argument(string({ metavar: "SQL" }), {
    description: prose`One statement that reads; standard input when it is -. A topic is a table:
      partition, offset, timestamp (milliseconds), time (text), key, type, value, json (the value
      where it is JSON), headers.`,
  }),
  shaped: option("-J", "--json", {
    description: prose`Write each row as one line of JSON, numbers exactly.`,
  }),
  csv: option("--csv", { description: prose`Write comma-separated values, the columns first.` }),
  limit: optional(option("--limit", count("N", 1), {
    description: prose`Most rows: 1000 on a terminal and a million elsewhere unless given.`,
  })),
  timeoutMs: optional(option("--timeout", duration(), {
    description: prose`How long the query may take; 30s unless given.`,
  })),
  explain: option("--explain", {
    description: prose`Show how the query would be run, by which index, and do not run it.`,
  }),
  parameters: multiple(
    option("--param", keyValue({ separator: "=", metavar: "NAME=VALUE" }), {
      description: prose`What :NAME stands for in the SQL: a number, true, false or null, else text.
        Can be given again.`,
    }),
  ),
});
const pathArgument = argument(string({ metavar: "PATH" }), {
  description: prose`Into the value, as in $.user.id; or the column time or type.`,
});
const listOptions = object({ topic: topicArgument });
const changeOptions = object({ topic: topicArgument, path: pathArgument });

/** The options of `query`. */
export type QueryVerbOptions = InferValue<typeof options>;
/** The options of `query indexes ls`. */
export type IndexListOptions = InferValue<typeof listOptions>;
/** The options of `query indexes add` and `rm`. */
export type IndexChangeOptions = InferValue<typeof changeOptions>;

const ls = command(
  "ls",
  map(listOptions, (given): Verb => async (context) => {
    const { listIndexes } = await import("../commands/query_indexes.ts");
    return await listIndexes(context, given);
  }),
  { brief: prose`List what a topic is indexed by, beside offset, key and timestamp.` },
);
const add = command(
  "add",
  map(changeOptions, (given): Verb => async (context) => {
    const { addIndex } = await import("../commands/query_indexes.ts");
    return await addIndex(context, given);
  }),
  {
    brief: prose`Index a topic by a path into its values.`,
    description: prose`Queries use it for value ->> 'PATH', spelled the same; json ->> 'PATH' in a
      topic that has values that are not JSON.`,
    footer: examples("seglog query indexes add orders '$.user.id'"),
  },
);
const rm = command(
  "rm",
  map(changeOptions, (given): Verb => async (context) => {
    const { removeIndex } = await import("../commands/query_indexes.ts");
    return await removeIndex(context, given);
  }),
  { brief: prose`Take an index away.` },
);
const indexes = command("indexes", or(ls, add, rm), {
  brief: prose`List, add and remove indexes.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog query indexes ls orders",
    "seglog query indexes add orders '$.user.id'",
    "seglog query indexes rm orders '$.user.id'",
  ),
});

const run = map(options, (given): Verb => async (context) => {
  const { query } = await import("../commands/query.ts");
  return await query(context, given);
});

export const queryGrammar = command("query", or(indexes, run), {
  brief: prose`Filter, group and count records, by SQL.`,
  description:
    prose`A table on a terminal, tab-separated lines elsewhere. The first query of a topic
    makes a view of it, which takes a while; later ones take in what came since.`,
  footer: examples(
    'seglog query "select * from orders order by offset desc limit 10"',
    "seglog query \"select value ->> '$.sku' sku, sum(value ->> '$.qty') from orders group by sku\"",
    'seglog query "select offset, value from orders where key = :key" --param key=u1',
    "seglog query \"select count(*) from orders where time >= '2026-11-20'\" -J",
    "seglog query 'select * from \"orders/eu\"' --explain",
    "seglog query indexes add orders '$.user.id'",
  ),
});
