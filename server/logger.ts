/**
 * The server's own log: events, each one line, for people or for programs.
 *
 * What others sent may be in it, so that no text can end a line, or move the cursor of a terminal.
 * Nobody writes headers or bodies here: credentials are in them.
 *
 * @module
 */
import type { Clock } from "../core/base/clock.ts";
import { LOG_VALUE_CHARS_MAX } from "./limits.ts";

/** How much an event matters, least first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of them. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What goes with an event, by names in snake_case; `event` says which kind it is. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Takes events. What is below its level is not written. */
export interface Logger {
  /** Whether events of a level are written: then it is worth putting one together. */
  isOn(level: LogLevel): boolean;
  /** What helps to understand what the server does. */
  debug(message: string, fields?: LogFields): void;
  /** What it did. */
  info(message: string, fields?: LogFields): void;
  /** What somebody should look at. */
  warn(message: string, fields?: LogFields): void;
  /** What it could not do, and should have. */
  error(message: string, fields?: LogFields): void;
}

/** Writes one event that is above the level. */
type WriteEvent = (level: LogLevel, message: string, fields: LogFields) => void;

/** Control characters, line ends of Unicode, and what turns the direction of text. */
// deno-lint-ignore no-control-regex -- these are what is looked for
const UNSAFE = /[\0-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text that reads as one word in a line. */
const WORD = /^[\w.:/@%+,*-]+$/;

/** A logger of what is at least of a level. */
function loggerOf(least: LogLevel, write: WriteEvent): Logger {
  const isOn = (level: LogLevel) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}) => {
    if (isOn(level)) write(level, message, fields);
  };
  return { isOn, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * Lines for people, and for what adds the time by itself: the message, and the fields that it does not
 * say already. What is wrong begins with the name of the program.
 *
 * @param write takes each line, with its end
 */
export function textLogger(write: (line: string) => void, least: LogLevel = "info"): Logger {
  return loggerOf(least, (level, message, fields) => {
    const mark = level === "warn" || level === "error" ? "seglog: " : "";
    const words = new Set(message.split(/[\s:"]+/));
    const isSaid = (value: LogFields[string]) =>
      words.has(String(value)) || (typeof value === "string" && message.includes(value));
    const rest = Object.entries(fields)
      .filter(([name, value]) => value !== undefined && name !== "event" && !isSaid(value))
      .map(([name, value]) => ` ${name}=${word(value!)}`);
    write(`${mark}${escaped(shortened(message))}${rest.join("")}\n`);
  });
}

/** Lines of JSON: `time`, `level` and `msg`, then the fields. */
export function jsonLogger(
  write: (line: string) => void,
  { clock, least = "info" }: { readonly clock: Clock; readonly least?: LogLevel },
): Logger {
  return loggerOf(least, (level, message, fields) => {
    const own = { time: new Date(clock.now()).toISOString(), level, msg: shortened(message) };
    const values = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? shortened(value) : value,
    ]);
    // A field cannot take the place of what every line has.
    write(`${escaped(JSON.stringify({ ...own, ...Object.fromEntries(values), ...own }))}\n`);
  });
}

/** Passes on each event as one text, for who asks for no more. */
export function noticeLogger(onNotice: (notice: string) => void): Logger {
  return loggerOf("info", (_level, message, { stack }) => {
    onNotice(stack === undefined ? message : `${message}\n${stack}`);
  });
}

function word(value: string | number | boolean | null): string {
  if (typeof value !== "string") return String(value);
  return WORD.test(value) ? value : escaped(JSON.stringify(shortened(value)));
}

function shortened(text: string): string {
  return text.length <= LOG_VALUE_CHARS_MAX ? text : `${text.slice(0, LOG_VALUE_CHARS_MAX)}…`;
}

/** The same text with `\u001b` and the like in place of what could do harm. */
function escaped(text: string): string {
  return text.replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
