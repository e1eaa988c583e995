/**
 * How `admin status`, `segments`, `compact` and `config` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, multiple } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { topicName } from "./values.ts";
import { examples, prose, topicArgument, type Verb, yesOption } from "./verb.ts";

const shaped = option("-J", "--json", { description: prose`Write one JSON object.` });

const statusOptions = object({ shaped });
const segmentsOptions = object({ topic: topicArgument, shaped });
const compactOptions = object({
  topics: multiple(argument(topicName(), {
    description: prose`A topic; unless given, all that are set to be compacted.`,
  })),
  yes: yesOption,
  shaped,
});
const configOptions = object({ shaped });

/** The options of `admin status` and `admin config`. */
export type AdminOptions = InferValue<typeof statusOptions>;
/** The options of `admin segments`. */
export type AdminSegmentsOptions = InferValue<typeof segmentsOptions>;
/** The options of `admin compact`. */
export type AdminCompactOptions = InferValue<typeof compactOptions>;

const status = command(
  "status",
  map(statusOptions, (given): Verb => async (context) => {
    const { adminStatus } = await import("../commands/admin.ts");
    return await adminStatus(context, given);
  }),
  {
    brief: prose`Show how a server is, or what a folder holds.`,
    description: prose`Of a server: its role, how long it runs, its connections and memory. Of both:
      how much is there, and what had to be recovered. Of a folder: who owns it.`,
    footer: examples(
      "seglog --at http://127.0.0.1:8080 admin status",
      "seglog admin status -J | jq .records",
    ),
  },
);

const segments = command(
  "segments",
  map(segmentsOptions, (given): Verb => async (context) => {
    const { adminSegments } = await import("../commands/admin.ts");
    return await adminSegments(context, given);
  }),
  {
    brief: prose`Show the segments of a topic.`,
    description: prose`One a line: its offsets, records, bytes, how often compaction wrote it anew,
      whether it is sealed, the time of its first record and the latest time in it.`,
    footer: examples(
      "seglog admin segments orders",
      "seglog --at http://127.0.0.1:8080 admin segments orders -J",
    ),
  },
);

const compact = command(
  "compact",
  map(compactOptions, (given): Verb => async (context) => {
    const { adminCompact } = await import("../commands/admin.ts");
    return await adminCompact(context, given);
  }),
  {
    brief: prose`Compact topics, one after another.`,
    description: prose`Asks on a terminal, else needs -y, where a named topic is not set to be
      compacted.`,
    footer: examples("seglog admin compact", "seglog admin compact users carts -y"),
  },
);

const config = command(
  "config",
  map(configOptions, (given): Verb => async (context) => {
    const { adminConfig } = await import("../commands/admin.ts");
    return await adminConfig(context, given);
  }),
  {
    brief: prose`Show what a server that runs was told, and by whom.`,
    description: prose`It needs a server. What one would take that is not started yet is shown by
      config show.`,
    footer: examples("seglog --at http://127.0.0.1:8080 admin config"),
  },
);

export const adminGrammar = command("admin", or(status, segments, compact, config), {
  brief: prose`Look after a server or a folder.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog --at http://127.0.0.1:8080 admin status",
    "seglog admin segments orders",
    "seglog admin compact",
  ),
});
