/**
 * How `webhook add`, `ls`, `info`, `pause`, `resume`, `rm` and `test` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { string, url } from "@optique/core/valueparser";
import { count } from "./values.ts";
import { examples, partitionOption, prose, topicArgument, type Verb, yesOption } from "./verb.ts";

const name = argument(string({ metavar: "NAME" }), { description: prose`What it is called.` });
const shaped = option("-J", "--json", { description: prose`Write JSON.` });
const from = (description: ReturnType<typeof prose>) =>
  optional(option("-o", "--from", string({ metavar: "POSITION" }), { description }));

const addOptions = object({
  name,
  topic: topicArgument,
  url: argument(url({ metavar: "URL", allowedProtocols: ["http:", "https:"] }), {
    description: prose`Where records are posted to.`,
  }),
  partitions: multiple(option("-p", "--partition", count("PARTITION"), {
    description: prose`Only of this partition. May be given more than once.`,
  })),
  key: optional(option("-k", "--key", string({ metavar: "KEY" }), {
    description: prose`Only records with this key.`,
  })),
  batch: optional(option("--batch", count("N", 1), {
    description: prose`Most records of one delivery; 100 unless given.`,
  })),
  from: from(
    prose`Where to begin: an offset, start, end, -10 (the last ten) or @-1h; at what comes from now
      on unless given.`,
  ),
  shaped,
});
const lsOptions = object({ shaped });
const nameOptions = object({ name, shaped });
const resumeOptions = object({
  name,
  partition: partitionOption,
  from: from(
    prose`Where to go on: an offset, start, end, -10 (the last ten) or @-1h; where it stopped unless
      given. What was delivered already is delivered again, under new ids.`,
  ),
  shaped,
});
const rmOptions = object({ name, yes: yesOption });

/** The options of `webhook add`. */
export type WebhookAddOptions = InferValue<typeof addOptions>;
/** The options of `webhook ls`. */
export type WebhookLsOptions = InferValue<typeof lsOptions>;
/** The options of verbs that only take a name. */
export type WebhookNameOptions = InferValue<typeof nameOptions>;
/** The options of `webhook resume`. */
export type WebhookResumeOptions = InferValue<typeof resumeOptions>;
/** The options of `webhook rm`. */
export type WebhookRmOptions = InferValue<typeof rmOptions>;

const add = command(
  "add",
  map(addOptions, (given): Verb => async (context) => {
    const { addWebhook } = await import("../commands/webhook.ts");
    return await addWebhook(context, given);
  }),
  {
    brief: prose`Post the records of a topic to a URL, or change how.`,
    description: prose`Writes the secret that signs what is sent on standard output, this one
      time. Of a webhook that is there the URL and the options are changed; it goes on where it
      is.`,
    footer: examples(
      "seglog webhook add billing orders https://billing.example/hook",
      "seglog webhook add billing orders https://billing.example/hook --from start --batch 1",
    ),
  },
);

const ls = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listWebhooks } = await import("../commands/webhook.ts");
    return await listWebhooks(context, given);
  }),
  {
    brief: prose`List webhooks, and how they stand.`,
    footer: examples("seglog webhook ls", "seglog webhook ls -J"),
  },
);

const info = command(
  "info",
  map(nameOptions, (given): Verb => async (context) => {
    const { showWebhook } = await import("../commands/webhook.ts");
    return await showWebhook(context, given);
  }),
  {
    brief: prose`Show one, with its partitions.`,
    footer: examples("seglog webhook info billing"),
  },
);

const pause = command(
  "pause",
  map(nameOptions, (given): Verb => async (context) => {
    const { pauseWebhook } = await import("../commands/webhook.ts");
    return await pauseWebhook(context, given);
  }),
  {
    brief: prose`Deliver nothing until it is resumed.`,
    footer: examples("seglog webhook pause billing"),
  },
);

const resume = command(
  "resume",
  map(resumeOptions, (given): Verb => async (context) => {
    const { resumeWebhook } = await import("../commands/webhook.ts");
    return await resumeWebhook(context, given);
  }),
  {
    brief: prose`Deliver again, from where it stopped or from elsewhere.`,
    footer: examples(
      "seglog webhook resume billing",
      "seglog webhook resume billing --from @-1h",
      "seglog webhook resume billing -p 2 --from 41",
    ),
  },
);

const rm = command(
  "rm",
  map(rmOptions, (given): Verb => async (context) => {
    const { removeWebhook } = await import("../commands/webhook.ts");
    return await removeWebhook(context, given);
  }),
  {
    brief: prose`Remove a webhook.`,
    description: prose`Asks on a terminal, else needs -y.`,
    footer: examples("seglog webhook rm billing"),
  },
);

const test = command(
  "test",
  map(nameOptions, (given): Verb => async (context) => {
    const { testWebhook } = await import("../commands/webhook.ts");
    return await testWebhook(context, given);
  }),
  {
    brief: prose`Send no records, signed, to see whether they arrive.`,
    footer: examples("seglog webhook test billing"),
  },
);

export const webhookGrammar = command(
  "webhook",
  or(add, ls, info, pause, resume, rm, test),
  {
    brief: prose`Have a server post records to URLs.`,
    usageLine: [{ type: "literal", value: "VERB …" }],
    footer: examples(
      "seglog --at http://127.0.0.1:8080 webhook add billing orders https://billing.example/hook",
      "seglog --at http://127.0.0.1:8080 webhook ls",
      "seglog webhook add --help",
    ),
  },
);
