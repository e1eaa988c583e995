/**
 * How the verbs of `kv`, and the `shell`, are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, multiple, optional, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { VALUE_TYPES } from "../../core/format/record.ts";
import { minRevisionOptions } from "./min_offset.ts";
import { count } from "./values.ts";
import { examples, prose, type Verb } from "./verb.ts";

const bucket = withDefault(
  option("-b", "--bucket", string({ metavar: "BUCKET" }), {
    description: prose`The topic that holds the keys; kv unless given.`,
  }),
  "kv",
);
const key = argument(string({ metavar: "KEY" }), {
  description: prose`1 byte to 1 KiB of UTF-8.`,
});
const ifRevision = optional(option("--if-revision", count("N"), {
  description: prose`Only if this is the revision of the key's value, else exit with 4.`,
}));
const max = optional(option("-n", "--max", count("MAX"), {
  description: prose`Stop after this many.`,
}));
const shaped = option("-J", "--json", {
  description: prose`Write each as one line of JSON, as read -J does.`,
});
const prefix = optional(option("--prefix", string({ metavar: "TEXT" }), {
  description: prose`Only keys that begin with this.`,
}));

const getOptions = object({
  bucket,
  key,
  revision: optional(option("-r", "--revision", count("N"), {
    description: prose`As of this revision of the bucket; the latest unless given.`,
  })),
  raw: option("--raw", { description: prose`The bytes of the value and nothing behind them.` }),
  shaped,
  ...minRevisionOptions,
});
const setOptions = object({
  bucket,
  key,
  value: optional(argument(string({ metavar: "VALUE" }), {
    description: prose`The value; all of standard input unless given, also when it is -. Put --
      before a value that begins with -.`,
  })),
  input: optional(option("-i", "--input", path({ metavar: "FILE" }), {
    description: prose`Take all of this file, byte for byte.`,
  })),
  type: optional(option("--type", choice(VALUE_TYPES, { metavar: "TYPE" }), {
    description: prose`bytes, text or json: text for a VALUE, and for input that is UTF-8, unless
      given. json is checked, and kept as it is.`,
  })),
  ifRevision,
  ifAbsent: option("--if-absent", {
    description: prose`Only if the key has no value, else exit with 4.`,
  }),
});
const delOptions = object({
  bucket,
  keys: multiple(key, { min: 1, errors: { tooFew: prose`Expected a KEY, or several` } }),
  ifRevision,
});
const lsOptions = object({
  bucket,
  prefix: optional(argument(string({ metavar: "PREFIX" }), {
    description: prose`Only keys that begin with this.`,
  })),
  max,
  reverse: option("--reverse", { description: prose`The last key first.` }),
  shaped: option("-J", "--json", {
    description: prose`Write each as a JSON string: a key may have line breaks.`,
  }),
  ...minRevisionOptions,
});
const rangeOptions = object({
  bucket,
  start: optional(argument(string({ metavar: "START" }), {
    description: prose`The first key, whether it is there or not.`,
  })),
  end: optional(argument(string({ metavar: "END" }), { description: prose`Behind the last key.` })),
  prefix,
  max,
  reverse: option("--reverse", { description: prose`The last key first.` }),
  shaped,
  ...minRevisionOptions,
});
const historyOptions = object({
  bucket,
  key,
  max,
  reverse: option("--reverse", { description: prose`The newest first.` }),
  shaped,
});
const watchOptions = object({
  bucket,
  key: optional(key),
  prefix,
  from: optional(option("--from", count("N"), {
    description: prose`Begin with this revision; with what comes from now on unless given.`,
  })),
  max,
  shaped,
});
const txnOptions = object({
  bucket,
  input: optional(option("-i", "--input", path({ metavar: "FILE" }), {
    description: prose`Read this file instead of standard input, which is -.`,
  })),
});
const statsOptions = object({
  bucket,
  shaped: option("-J", "--json", { description: prose`Write JSON.` }),
});
const compactOptions = object({ bucket });
const shellOptions = object({ bucket });

/** The options of `kv get`. */
export type KvGetOptions = InferValue<typeof getOptions>;
/** The options of `kv set`. */
export type KvSetOptions = InferValue<typeof setOptions>;
/** The options of `kv del`. */
export type KvDelOptions = InferValue<typeof delOptions>;
/** The options of `kv ls`. */
export type KvLsOptions = InferValue<typeof lsOptions>;
/** The options of `kv range`. */
export type KvRangeOptions = InferValue<typeof rangeOptions>;
/** The options of `kv history`. */
export type KvHistoryVerbOptions = InferValue<typeof historyOptions>;
/** The options of `kv watch`. */
export type KvWatchVerbOptions = InferValue<typeof watchOptions>;
/** The options of `kv txn`. */
export type KvTxnOptions = InferValue<typeof txnOptions>;
/** The options of `kv stats`. */
export type KvStatsOptions = InferValue<typeof statsOptions>;
/** The options of `kv compact`. */
export type KvCompactOptions = InferValue<typeof compactOptions>;
/** The options of `shell`. */
export type ShellOptions = InferValue<typeof shellOptions>;

const get = command(
  "get",
  map(getOptions, (given): Verb => async (context) => {
    const { getKey } = await import("../kv/read.ts");
    return await getKey(context, given);
  }),
  {
    brief: prose`Print the value of a key.`,
    description: prose`The value and a line break; exits with 3 when there is none.`,
    footer: examples(
      "seglog kv get name",
      "seglog kv get photo --raw > photo.png",
      "seglog kv get name -r 41",
    ),
  },
);

const set = command(
  "set",
  map(setOptions, (given): Verb => async (context) => {
    const { setKey } = await import("../kv/write.ts");
    return await setKey(context, given);
  }),
  {
    brief: prose`Set a key.`,
    description: prose`Prints the revision, which rises with each change of the bucket.`,
    footer: examples(
      "seglog kv set name Alice",
      "seglog kv set photo -i photo.png",
      "seglog kv set name Bob --if-revision 0",
    ),
  },
);

const del = command(
  "del",
  map(delOptions, (given): Verb => async (context) => {
    const { deleteKeys } = await import("../kv/write.ts");
    return await deleteKeys(context, given);
  }),
  {
    brief: prose`Delete keys.`,
    description: prose`Prints the revision of each deletion; exits with 3 when no key had a value.`,
    footer: examples("seglog kv del name", "seglog kv del a b c"),
  },
);

const ls = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listKeys } = await import("../kv/read.ts");
    return await listKeys(context, given);
  }),
  {
    brief: prose`List keys.`,
    description: prose`One a line, in the order of their bytes.`,
    footer: examples("seglog kv ls", "seglog kv ls user/ -n 10"),
  },
);

const range = command(
  "range",
  map(rangeOptions, (given): Verb => async (context) => {
    const { readRange } = await import("../kv/read.ts");
    return await readRange(context, given);
  }),
  {
    brief: prose`List keys with their values.`,
    description: prose`The key, a tab and the value, one a line.`,
    footer: examples("seglog kv range", "seglog kv range a m", "seglog kv range --prefix user/ -J"),
  },
);

const history = command(
  "history",
  map(historyOptions, (given): Verb => async (context) => {
    const { readHistory } = await import("../kv/read.ts");
    return await readHistory(context, given);
  }),
  {
    brief: prose`Show what was written of a key.`,
    description: prose`The revision, the time and the value, or that it was deleted, one a line.`,
    footer: examples("seglog kv history name", "seglog kv history name --reverse -n 1 -J"),
  },
);

const watch = command(
  "watch",
  map(watchOptions, (given): Verb => async (context) => {
    const { watchBucket } = await import("../kv/read.ts");
    return await watchBucket(context, given);
  }),
  {
    brief: prose`Show changes as they come.`,
    description: prose`The revision, the key and the value, or that it was deleted, one a line; of
      all keys unless a KEY or a prefix is given. Until interrupted.`,
    footer: examples("seglog kv watch", "seglog kv watch name", "seglog kv watch --from 0 -J"),
  },
);

const txn = command(
  "txn",
  map(txnOptions, (given): Verb => async (context) => {
    const { runTransaction } = await import("../kv/txn.ts");
    return await runTransaction(context, given);
  }),
  {
    brief: prose`Write several keys, all or none.`,
    description: prose`Reads lines: check KEY REVISION, check KEY absent, set KEY VALUE, del KEY. A
      KEY or VALUE with spaces or line breaks is written as a JSON string. Prints the revision of
      the last write; exits with 4 when a check does not hold.`,
    footer: examples(
      "seglog kv txn -i changes.txt",
      "printf 'check a 0\\nset a 2\\ndel b\\n' | seglog kv txn",
    ),
  },
);

const stats = command(
  "stats",
  map(statsOptions, (given): Verb => async (context) => {
    const { showStats } = await import("../kv/read.ts");
    return await showStats(context, given);
  }),
  {
    brief: prose`Show what a bucket holds, and what that takes.`,
    footer: examples("seglog kv stats", "seglog kv stats -J"),
  },
);

const compact = command(
  "compact",
  map(compactOptions, (given): Verb => async (context) => {
    const { compactBucket } = await import("../kv/compact.ts");
    return await compactBucket(context, given);
  }),
  {
    brief: prose`Remove values that were replaced, and deletions that are old.`,
    description: prose`A bucket does so by itself when half of its records are garbage. What an open
      snapshot sees stays; history, and get as of an older revision, lose what is removed.`,
    footer: examples("seglog kv compact", "seglog kv compact -b users"),
  },
);

export const kvGrammar = command(
  "kv",
  or(get, set, del, ls, range, history, watch, txn, stats, compact),
  {
    brief: prose`Keys and values, kept in a topic.`,
    usageLine: [{ type: "literal", value: "VERB …" }],
    footer: examples("seglog kv set name Alice", "seglog kv get name", "seglog kv set --help"),
  },
);

export const shellGrammar = command(
  "shell",
  map(shellOptions, (given): Verb => async (context) => {
    const { shell } = await import("../kv/shell.ts");
    return await shell(context, given);
  }),
  {
    brief: prose`A prompt for keys and values.`,
    description: prose`Type help there. Commands may also come from a pipe.`,
    footer: examples("seglog shell", "echo 'get name' | seglog shell"),
  },
);
