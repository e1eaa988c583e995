/**
 * The prompt of a terminal, by the runtime's readline: history, editing, completion.
 *
 * Readline takes a paste key by key, and for each key measures the whole line: 100 KiB would take
 * minutes. What comes in long pieces of plain text is handed to it as a whole. And Ctrl-C means what
 * it means to a shell: it stops what runs, else drops what was typed, and ends on an empty line.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type Completer, createInterface, type Interface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Io } from "../io.ts";
import { HISTORY_LINES_MAX } from "./shell_history.ts";

/** Nobody types so many letters at once. */
const PASTE_LENGTH_MIN = 64;
/** Keys that do something: all control characters but tab and line breaks. */
// deno-lint-ignore no-control-regex -- it is about control characters
const KEYS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** How a prompt looks, and what Tab does. */
export interface PromptOptions {
  readonly prompt: string;
  /** Lines that were typed before, the newest first. */
  readonly history: string[];
  readonly complete: (line: string) => Promise<[found: string[], typed: string]>;
  /** Stops the command that runs. @returns whether one does */
  readonly interrupt: () => boolean;
}

/** Opens a prompt on the terminal of `io`. */
export function openPrompt(io: Io, options: PromptOptions): Interface {
  const { stdin, stdout } = io;
  const { prompt, history, complete, interrupt } = options;
  const completer = (line: string, done: (error: null, found: [string[], string]) => void) => {
    complete(line).then((found) => done(null, found), () => done(null, [[], line]));
  };
  const input = keysOf(stdin);
  const lines = createInterface({
    ...{ input, output: stdout, terminal: true, prompt },
    ...{ history, historySize: HISTORY_LINES_MAX, removeHistoryDuplicates: true },
    completer: completer as Completer,
  });
  const decoder = new StringDecoder("utf8");
  stdin.on("data", (chunk: Uint8Array) => {
    const text = decoder.write(Buffer.from(chunk));
    if (text.length >= PASTE_LENGTH_MIN && !KEYS.test(text)) lines.write(text);
    else if (text !== "") input.emit("data", Buffer.from(text)); // at once, so that nothing overtakes it
  });
  stdin.on("end", () => lines.close());
  lines.on("SIGINT", () => {
    if (interrupt()) return;
    if (lines.line === "") return lines.close();
    lines.write("", { ctrl: true, name: "e" }); // to the end of the line
    lines.write("", { ctrl: true, name: "u" }); // and all before that goes
  });
  return lines;
}

/** A stream for readline to listen to, which is told of keys by hand, and is else the terminal. */
function keysOf(stdin: Io["stdin"]): Readable {
  const terminal = stdin as Io["stdin"] & { setRawMode?: (isRaw: boolean) => void };
  const keys = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => terminal.setRawMode?.(isRaw),
  });
  keys.pause = () => {
    stdin.pause();
    return keys;
  };
  keys.resume = () => {
    stdin.resume();
    return keys;
  };
  return keys;
}
