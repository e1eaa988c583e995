/**
 * Parsers for single words of the command line: each gives a typed value, or says what it takes.
 *
 * @module
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { text } from "@optique/core/message";
import type { NonEmptyString } from "@optique/core/nonempty";
import type { Suggestion } from "@optique/core/parser";
import { fileSize, socketAddress, string, type ValueParser } from "@optique/core/valueparser";
import { messageOf } from "../../core/base/errors.ts";
import { parseSyncMode, type SyncMode } from "../../core/format/sync_mode.ts";
import {
  type OffsetSelector,
  parseOffsetSelector,
  parseSelectorRange,
  type SelectorRange,
} from "../../core/offset_range.ts";
import { formatDuration, formatSize, parseDuration } from "../units.ts";

/** Longest time that a timer of the runtimes can count, in whole days. */
const TIMER_MS_MAX = 24 * 86_400_000;

/** The name of a topic; whether it may be one is said by the store, in its own words. */
export function topicName(): ValueParser<"sync", string> {
  return string({ metavar: "TOPIC" });
}

/** A whole number from `least` on. */
export function count(metavar: NonEmptyString, least = 0): ValueParser<"sync", number> {
  return word({
    metavar,
    placeholder: least,
    parse(input) {
      const number = /^\d+$/.test(input) ? Number(input) : NaN;
      if (Number.isSafeInteger(number) && number >= least) return number;
      throw expected(`a whole number from ${least} on`, input);
    },
  });
}

/** `42`, `start`, `end`, `-10`, `10:20`, `@-1h:end` */
export function range(): ValueParser<"sync", SelectorRange> {
  return word<SelectorRange>({
    metavar: "RANGE",
    placeholder: { from: { kind: "start" }, until: undefined },
    parse: (input) => parseSelectorRange(input, Date.now()),
  });
}

/** `10:20`, offsets from the first up to, not including, the second */
export function offsets(): ValueParser<"sync", { start: number; end: number }> {
  return word({
    metavar: "A:B",
    placeholder: { start: 0, end: 0 },
    parse(input) {
      const [, first, second] = /^(\d+):(\d+)$/.exec(input) ?? [];
      const range = { start: Number(first), end: Number(second) };
      if (Number.isSafeInteger(range.end) && range.start <= range.end) return range;
      throw expected("two offsets A:B, from A up to, not including, B", input);
    },
  });
}

/** `42`, `end`, `@2026-11-20` */
export function position(metavar: NonEmptyString): ValueParser<"sync", OffsetSelector> {
  return word<OffsetSelector>({
    metavar,
    placeholder: { kind: "start" },
    parse: (input) => parseOffsetSelector(input, Date.now()),
  });
}

/** The same, as it was written: whoever takes it there reads it by the clock that counts. */
export function positionText(metavar: NonEmptyString): ValueParser<"sync", string> {
  return word({
    metavar,
    placeholder: "start",
    parse(input) {
      parseOffsetSelector(input, Date.now());
      return input;
    },
  });
}

/** `7d`, `200ms`, in milliseconds */
export function duration(): ValueParser<"sync", number> {
  return word({
    metavar: "DURATION",
    placeholder: 0,
    format: formatDuration,
    parse(input) {
      const ms = parseDuration(input);
      if (ms !== undefined) return ms;
      throw expected("a duration such as 200ms, 30s, 12h or 7d", input);
    },
  });
}

/** The same for what is waited for: not nothing, and no more than a timer can count. */
export function waitingTime(): ValueParser<"sync", number> {
  return word({
    metavar: "DURATION",
    placeholder: 1,
    format: formatDuration,
    parse(input) {
      const ms = parseDuration(input);
      if (ms !== undefined && ms > 0 && ms <= TIMER_MS_MAX) return ms;
      throw expected("a duration such as 200ms, 30s or 5m, from 1ms to 24d", input);
    },
  });
}

/** `64MiB`, `1GB`, `4096`, in bytes */
export function size(): ValueParser<"sync", number> {
  return { ...fileSize({ metavar: "SIZE", defaultUnit: "B" }), format: formatSize };
}

/** The same, from `least` on. */
export function sizeFrom(least: number): ValueParser<"sync", number> {
  const { parse, ...sized } = size();
  return {
    ...sized,
    placeholder: least,
    parse(input) {
      const result = parse(input);
      if (!result.success || result.value >= least) return result;
      const reason = expected(`a size from ${formatSize(least)} on`, input);
      return { success: false, error: [text(reason.message)] };
    },
  };
}

/** `true` or `false` */
export function yesOrNo(): ValueParser<"sync", boolean> {
  return word({
    metavar: "true|false",
    placeholder: false,
    parse(input) {
      if (input === "true" || input === "false") return input === "true";
      throw expected("true or false", input);
    },
  });
}

/** What `parser` takes, or `none` for no limit. */
export function orNone<T>(parser: ValueParser<"sync", T>): ValueParser<"sync", T | null> {
  return {
    mode: "sync",
    metavar: `${parser.metavar}|none`,
    placeholder: null,
    parse: (input) => input === "none" ? { success: true, value: null } : parser.parse(input),
    format: (limit) => limit === null ? "none" : parser.format(limit),
    suggest: (prefix) => suggestions(["none"], prefix),
  };
}

/** `0.5`, from 0 to 1 */
export function share(): ValueParser<"sync", number> {
  return word({
    metavar: "SHARE",
    placeholder: 0,
    parse(input) {
      const number = /^\d*\.?\d+$/.test(input) ? Number(input) : NaN;
      if (number >= 0 && number <= 1) return number;
      throw expected("a number from 0 to 1, such as 0.5", input);
    },
  });
}

/** `always`, `interval:200ms`, `os` */
export function syncMode(): ValueParser<"sync", SyncMode> {
  return word<SyncMode>({
    metavar: "MODE",
    placeholder: "always",
    parse(input) {
      if (parseSyncMode(input) !== undefined) return input as SyncMode;
      throw expected("always, os or an interval such as interval:200ms", input);
    },
    suggest: (prefix) => suggestions(["always", "interval:200ms", "os"], prefix),
  });
}

/** `127.0.0.1:8080`, `[::1]:8080`; port 0 lets the system choose one */
export function hostPort(): ValueParser<"sync", { host: string; port: number }> {
  return socketAddress({ metavar: "HOST:PORT", requirePort: true, port: { min: 0 } });
}

/** `log.example,*.svc.example`, words with commas between them, which are not looked at yet */
export function listOf(metavar: NonEmptyString): ValueParser<"sync", readonly string[]> {
  return word<readonly string[]>({
    metavar,
    placeholder: [],
    format: (words) => words.join(","),
    parse: (input) => input.split(",").map((text) => text.trim()).filter((text) => text !== ""),
  });
}

/** `log.example`, `*.log.example`, `127.0.0.1` or `::1`: what a certificate may be for */
export function certHost(): ValueParser<"sync", string> {
  return word({
    metavar: "HOST",
    placeholder: "localhost",
    parse(input) {
      const name = domainToASCII(input.replace(/^\*\./, ""));
      const isName = /^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/.test(name);
      if (isIP(input) !== 0) return input;
      if (isName && !/^[\d.]+$/.test(name)) return input.startsWith("*.") ? `*.${name}` : name;
      throw expected("the name or the address of a host, without a port", input);
    },
  });
}

/** A name that is the name of a file as well */
export function clientName(): ValueParser<"sync", string> {
  return word({
    metavar: "NAME",
    placeholder: "client",
    parse(input) {
      const isTaken = input === "ca" || input === "server";
      if (/^[a-z\d][\w.@-]{0,62}$/i.test(input) && !isTaken) return input;
      throw expected("letters, digits and .@_- that are neither ca nor server", input);
    },
  });
}

/** A value parser from a function that throws what is wrong. */
function word<T>(
  definition:
    & Pick<ValueParser<"sync", T>, "metavar" | "placeholder" | "suggest">
    & Partial<Pick<ValueParser<"sync", T>, "format">>
    & { readonly parse: (input: string) => T },
): ValueParser<"sync", T> {
  return {
    mode: "sync",
    format: String,
    ...definition,
    parse(input) {
      try {
        return { success: true, value: definition.parse(input) };
      } catch (error) {
        return { success: false, error: [text(messageOf(error))] };
      }
    },
  };
}

function expected(what: string, input: string): RangeError {
  return new RangeError(`expected ${what}, but got ${JSON.stringify(input)}`);
}

function* suggestions(words: readonly string[], prefix: string): Generator<Suggestion> {
  for (const text of words) if (text.startsWith(prefix)) yield { kind: "literal", text };
}
