/**
 * `shell`: a prompt for keys and values. What comes from a pipe is done line by line, without one.
 *
 * @module
 */
import { createInterface } from "node:readline";
import type { Kv } from "../../core/kv/kv.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { compactionNote } from "../compaction_note.ts";
import { EXIT_ERROR, EXIT_OK, explain, UsageError } from "../exit.ts";
import type { ShellOptions } from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { formatBytes, formatCount } from "../units.ts";
import { complete } from "./complete.ts";
import { writingBucket } from "./open_bucket.ts";
import { lineOf } from "./print.ts";
import { openPrompt } from "./prompt.ts";
import { historyPath, ShellHistory } from "./shell_history.ts";
import { wordsOf } from "./words.ts";

/** What one command of the prompt does, and how it is asked for. */
interface ShellCommand {
  readonly usage: string;
  readonly what: string;
  /** Words behind its name: the fewest and the most. */
  readonly words: readonly [least: number, most: number];
  /** Whether the last of the most words is all that is left of the line. */
  readonly takesRest?: true;
  run(place: Place, words: readonly string[]): Promise<void>;
}

/** What commands work on. */
interface Place {
  readonly kv: Kv;
  readonly output: Output;
  /** Aborted when nobody wants to see more of it. */
  readonly signal: AbortSignal;
}

const PROMPT = "seglog> ";
const NOT_FOUND = "Key not found";
const QUIT = new Set(["quit", "exit"]);
/** As `kv` has them. */
const ALIASES: Readonly<Record<string, string>> = { del: "delete", ls: "list" };

const COMMANDS: Readonly<Record<string, ShellCommand>> = {
  set: {
    usage: "set KEY VALUE",
    what: "sets a key; VALUE is the rest of the line",
    words: [2, 2],
    takesRest: true,
    async run({ kv, output }, [key, value]) {
      await kv.set(key!, value!);
      await output.line("OK");
    },
  },
  get: {
    usage: "get KEY",
    what: "shows the value of a key",
    words: [1, 1],
    async run({ kv, output }, [key]) {
      await output.line((await kv.get(key!))?.text ?? NOT_FOUND);
    },
  },
  delete: {
    usage: "delete KEY",
    what: "deletes a key",
    words: [1, 1],
    async run({ kv, output }, [key]) {
      await output.line(await kv.delete(key!) === undefined ? NOT_FOUND : "OK");
    },
  },
  list: {
    usage: "list [PREFIX]",
    what: "shows keys, all or those with a prefix",
    words: [0, 1],
    async run({ kv, output, signal }, [prefix = ""]) {
      for await (const key of kv.keys({ prefix })) {
        if (signal.aborted) return;
        await output.line(lineOf(key));
      }
    },
  },
  range: {
    usage: "range START [END]",
    what: "shows keys with their values, from START up to END",
    words: [1, 2],
    async run({ kv, output, signal }, [start, end]) {
      const range = { start: start!, ...end === undefined ? {} : { end } };
      for await (const { key, text } of kv.list(range)) {
        if (signal.aborted) return;
        await output.line(`${lineOf(key)}\t${text}`);
      }
    },
  },
  history: {
    usage: "history KEY",
    what: "shows what was written of a key",
    words: [1, 1],
    async run({ kv, output, signal }, [key]) {
      let count = 0;
      for await (const change of kv.history(key!, { signal })) {
        count++;
        const said = change.kind === "set" ? change.entry.text : "(deleted)";
        await output.line(`${change.revision}\t${said}`);
      }
      if (count === 0 && !signal.aborted) await output.line(NOT_FOUND);
    },
  },
  compact: {
    usage: "compact",
    what: "removes values that were replaced, and old deletions",
    words: [0, 0],
    async run({ kv, output }) {
      await output.line(compactionNote(await kv.compact()));
    },
  },
  stats: {
    usage: "stats",
    what: "shows what the bucket holds",
    words: [0, 0],
    async run({ kv, output }) {
      const { keys, valueBytes, revision, logBytes } = await kv.stats();
      const noun = keys === 1 ? "key" : "keys";
      await output.line(`${formatCount(keys)} ${noun}, ${formatBytes(valueBytes)} of values`);
      await output.line(`revision ${revision}, ${formatBytes(logBytes)} on disk`);
    },
  },
};

/** What may begin a line; with a space where more words follow. */
const BEGINNINGS = [
  ...Object.entries(COMMANDS).map(([name, { words: [, most] }]) => most > 0 ? `${name} ` : name),
  ...["help", "quit"],
];

/** Answers commands until the input ends; gives 1 when one of a pipe failed. */
export async function shell(context: Context, { bucket }: ShellOptions): Promise<number> {
  const { io, output } = context;
  const isTyped = io.stdin.isTTY === true && io.stdout.isTTY === true;
  return await writingBucket(context, bucket, async (kv) => {
    const history = new ShellHistory(isTyped ? historyPath(io.env) : undefined);
    let running: AbortController | undefined;
    const lines = isTyped
      ? openPrompt(io, {
        prompt: PROMPT,
        history: history.load(),
        complete: (line) => complete(kv, { line, commands: BEGINNINGS }),
        interrupt() {
          running?.abort();
          return running !== undefined;
        },
      })
      : createInterface({ input: io.stdin, terminal: false });
    let isOpen = isTyped; // lines may wait to be done when it is not any more
    lines.on("close", () => isOpen = false);
    let exitCode = EXIT_OK;
    if (isTyped) {
      output.note(`seglog: bucket "${bucket}" of ${context.at}; type help, Ctrl-D ends`);
      lines.prompt();
    }
    for await (const line of lines) {
      history.add(line);
      if (QUIT.has(line.trim())) return exitCode;
      running = new AbortController();
      const failed = await answer({ kv, output, signal: running.signal }, line);
      running = undefined;
      if (failed && !isTyped) exitCode = EXIT_ERROR;
      if (isOpen) lines.prompt();
    }
    if (isTyped) output.note("");
    return exitCode;
  });
}

/** Does what a line says. @returns whether it failed, which was told */
async function answer(place: Place, line: string): Promise<boolean> {
  const { output } = place;
  const [name] = line.trim().split(/\s/, 1);
  if (name === "" || name === undefined) return false;
  try {
    if (name === "help") await showHelp(output);
    else await runCommand(place, { name, line });
    return false;
  } catch (error) {
    if (!(error instanceof SeglogError || error instanceof UsageError)) throw error;
    output.note(explain(error, false));
    return true;
  }
}

async function runCommand(
  place: Place,
  { name, line }: { readonly name: string; readonly line: string },
): Promise<void> {
  const known = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
  const command = Object.hasOwn(COMMANDS, known) ? COMMANDS[known] : undefined;
  if (command === undefined) {
    throw new UsageError(`there is no command ${lineOf(name)}; type help`);
  }
  const [least, most] = command.words;
  const [, ...words] = wordsOf(line, command.takesRest ? most + 1 : Infinity);
  if (words.length < least || words.length > most) {
    const hint = words.length > most && most > 0 ? "; one with spaces is a JSON string" : "";
    throw new UsageError(`${known} is used so: ${command.usage}${hint}`);
  }
  await command.run(place, words);
}

async function showHelp(output: Output): Promise<void> {
  const commands = Object.values(COMMANDS).map(({ usage, what }) => [usage, what] as const);
  const all = [...commands, ["help", "shows this"], ["quit", "ends, as Ctrl-D does"]] as const;
  const width = Math.max(...all.map(([usage]) => usage.length));
  for (const [usage, what] of all) await output.line(`${usage.padEnd(width)}  ${what}`);
  await output.line('A KEY or VALUE with spaces may be a JSON string: set "my key" "two\\nlines"');
}
