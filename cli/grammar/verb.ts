/**
 * What all verbs have in common: what they run in, and how their help is written.
 *
 * @module
 */
import { commandLine, lineBreak, type Message, text } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import type { ConfigFile } from "../config/config_file.ts";
import type { Io } from "../io.ts";
import type { Output } from "../output.ts";
import type { ServerAccess } from "./server_access.ts";
import { count, topicName } from "./values.ts";

/** What a verb runs in. */
export interface Context {
  readonly io: Io;
  readonly output: Output;
  /** The folder or URL that the verb works on. */
  readonly at: string;
  /** What `--at` itself says; nothing where it is not given. */
  readonly atGiven?: string;
  /** The file of settings that `--config` or SEGLOG_CONFIG names. */
  readonly config?: ConfigFile;
  /** Where the token and the certificates for a server are, as far as flags say. */
  readonly access?: Partial<ServerAccess>;
}

/** A verb with its options bound; gives the exit code. Its code is loaded when it is run. */
export type Verb = (context: Context) => Promise<number>;

/** Text for help, written over as many lines as it takes: what parts them counts as one space. */
export function prose(strings: TemplateStringsArray): Message {
  return [text(strings.join("").replace(/\s+/g, " "))];
}

/** The examples at the end of a verb's help, one command a line. */
export function examples(...lines: readonly string[]): Message {
  return [
    text("Examples:"),
    ...lines.flatMap((line) => [lineBreak(), commandLine(line)]),
  ];
}

export const topicArgument = argument(topicName(), { description: prose`Name of the topic.` });

export const partitionOption = optional(
  option("-p", "--partition", count("PARTITION"), {
    description: prose`Work on this partition only.`,
  }),
);

export const yesOption = option("-y", "--yes", { description: prose`Do not ask.` });
