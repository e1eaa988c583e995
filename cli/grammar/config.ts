/**
 * How `config show`, `check` and `example` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, constant, option } from "@optique/core/primitives";
import { path } from "@optique/run/valueparser";
import { serverFlags } from "./serve.ts";
import { examples, prose, type Verb } from "./verb.ts";

const shaped = option("-J", "--json", { description: prose`Write one JSON object.` });

const showOptions = object({ shaped, given: serverFlags });
const checkOptions = object({
  path: argument(path({ metavar: "FILE" }), { description: prose`The file.` }),
});

/** The options of `config show`. */
export type ConfigShowOptions = InferValue<typeof showOptions>;
/** The options of `config check`. */
export type ConfigCheckOptions = InferValue<typeof checkOptions>;

const show = command(
  "show",
  map(showOptions, (given): Verb => async (context) => {
    const { showConfig } = await import("../commands/config.ts");
    return await showConfig(context, given);
  }),
  {
    brief: prose`Show what holds of every setting, and who said it.`,
    description: prose`It takes the flags of serve, so that what a serve would do can be looked at
      first. A flag is stronger than a variable, and a variable than the file.`,
    usageLine: [{ type: "literal", value: "[-J] [OPTION OF serve …]" }],
    footer: examples(
      "seglog config show",
      "seglog config show --config seglog.yaml",
      "seglog config show --http 127.0.0.1:9000 -J | jq .config.http",
    ),
  },
);

const check = command(
  "check",
  map(checkOptions, (given): Verb => async (context) => {
    const { checkConfig } = await import("../commands/config.ts");
    return await checkConfig(context, given);
  }),
  {
    brief: prose`Say what is wrong in a file of settings.`,
    description: prose`Each problem on a line, with its place. Exits with 2 when there is one.`,
    footer: examples("seglog config check seglog.yaml"),
  },
);

const example = command(
  "example",
  map(object({ verb: constant("example") }), (): Verb => async (context) => {
    const { exampleConfig } = await import("../commands/config.ts");
    return await exampleConfig(context);
  }),
  {
    brief: prose`Write a file of settings with all of them explained.`,
    description: prose`Every line of it is a comment: take away the mark of those that you change.`,
    footer: examples("seglog config example > seglog.yaml"),
  },
);

export const configGrammar = command("config", or(show, check, example), {
  brief: prose`Show, check and explain the settings of a server.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog config example > seglog.yaml",
    "seglog config check seglog.yaml",
    "seglog config show --config seglog.yaml",
  ),
});
