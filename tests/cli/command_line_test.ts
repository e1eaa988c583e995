import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine, type Request, type RunRequest, verbs } from "../../cli/command_line.ts";
import { parseVerbLine, VERB_LOADERS } from "../../cli/verb_line.ts";

const presentation = { colors: false, columns: undefined, version: "seglog 9.9.9 (test)" };
const parse = (...args: string[]): Request => parseCommandLine(args, presentation);

const VERBS = [
  ["append"],
  ["read"],
  ["tail"],
  ["truncate"],
  ["dump"],
  ["info"],
  ["topic", "create"],
  ["topic", "ls"],
  ["topic", "info"],
  ["topic", "set"],
  ["topic", "rm"],
  ["verify"],
  ["repair"],
  ["backup"],
  ["restore"],
  ["kv", "get"],
  ["kv", "set"],
  ["kv", "del"],
  ["kv", "ls"],
  ["kv", "range"],
  ["kv", "history"],
  ["kv", "watch"],
  ["kv", "txn"],
  ["kv", "stats"],
  ["shell"],
  ["serve"],
  ["config", "show"],
  ["config", "check"],
  ["config", "example"],
  ["admin", "status"],
  ["admin", "segments"],
  ["admin", "compact"],
  ["admin", "config"],
  ["doctor"],
  ["compact"],
  ["query"],
  ["query", "indexes"],
  ["kv", "compact"],
  ["group", "ls"],
  ["group", "lag"],
  ["group", "seek"],
  ["group", "rm"],
  ["schema", "add"],
  ["schema", "check"],
  ["schema", "ls"],
  ["schema", "show"],
  ["schema", "rm"],
  ["token", "create"],
  ["token", "ls"],
  ["token", "revoke"],
  ["tenant", "ls"],
  ["tenant", "limit"],
  ["tenant", "rm"],
  ["webhook", "add"],
  ["webhook", "ls"],
  ["webhook", "info"],
  ["webhook", "test"],
  ["webhook", "pause"],
  ["webhook", "resume"],
  ["webhook", "rm"],
  ["cert"],
];

for (const verb of VERBS) {
  test(`${verb.join(" ")} --help says what it does, with examples`, () => {
    for (const flag of ["--help", "-h"]) {
      const request = parse(...verb, flag);
      assert.equal(request.kind, "show");
      const { text } = request as { text: string };
      assert.ok(text.includes("\nExamples:\n  seglog "));
      assert.ok(text.includes(`Usage: seglog ${verb.join(" ")}`), text);
      assert.ok(text.includes("--at DIR|URL"));
      assert.doesNotMatch(text, /\S {2,}\S.* {3,}\S/, "no gaps inside of a sentence");
    }
  });
}

test("help groups the verbs by what they are about", () => {
  const { text } = parse("--help") as { text: string };
  const groups = text.split("\n").filter((line) => /^[A-Z].*:$/.test(line));
  assert.deepEqual(groups, [
    "Records:",
    "Topics, and views of them:",
    "Upkeep:",
    "Copies:",
    "Servers:",
    "For a server:",
    "Examples:",
  ]);
});

test("help of a verb that has verbs shows them without the groups of all", () => {
  for (const verb of new Set(VERBS.filter(({ length }) => length > 1).map(([verb]) => verb!))) {
    const { text } = parse(verb, "--help") as { text: string };
    assert.doesNotMatch(text, /^(Records|Topics.*|Upkeep|Servers):$/m, verb);
  }
});

test("help lists every verb", () => {
  const request = parse("--help") as { text: string };
  for (const [verb] of VERBS) assert.match(request.text, new RegExp(`\n  ${verb} `));
  assert.match(request.text, /\n {2}completion /);
  assert.match(request.text, /\n {2}version /);
});

test("version and --version say the same", () => {
  assert.deepEqual(parse("version"), { kind: "show", text: presentation.version });
  assert.deepEqual(parse("--version"), { kind: "show", text: presentation.version });
});

test("completion writes a script for each shell", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const request = parse("completion", shell) as { kind: string; text: string };
    assert.equal(request.kind, "show");
    assert.match(request.text, /seglog/);
  }
  assert.equal(parse("completion", "tcsh").kind, "refuse");
});

test("--at is taken before and behind the verb", () => {
  assert.equal((parse("--at", "d", "info") as { at?: string }).at, "d");
  assert.equal((parse("info", "--at", "http://h:1") as { at?: string }).at, "http://h:1");
  assert.equal((parse("info") as { at?: string }).at, undefined);
});

test("words that ask for nothing are answered with help", () => {
  assert.match((parse() as { help: string }).help, /append +Append records/);
  assert.match((parse("topic") as { help: string }).help, /create +Make a topic/);
  assert.equal(parse().kind, "incomplete");
});

test("a typing error is answered with the word that was meant", () => {
  const typo = parse("appnd", "orders") as { kind: string; reason: string; hint: string };
  assert.equal(typo.kind, "refuse");
  assert.match(typo.reason, /Did you mean "append"/);
  assert.equal(typo.hint, "see seglog --help");
  const option = parse("append", "orders", "--formt", "json") as { reason: string; hint: string };
  assert.match(option.reason, /Did you mean "--format"/);
  assert.equal(option.hint, "see seglog append --help");
  const nested = parse("topic", "creat", "orders") as { reason: string; hint: string };
  assert.match(nested.reason, /Did you mean .*"create"/);
  assert.equal(nested.hint, "see seglog topic --help");
});

test("an option is suggested when the verb has it and none is nearer", () => {
  const reasonOf = (...args: string[]) => (parse(...args) as { reason: string }).reason;
  const unexpected = (word: string) => `Unexpected option or argument: "${word}"`;
  const suggestions: [string[], string][] = [
    [["append", "orders", "--formt", "json"], '. Did you mean "--format"?'],
    [["kv", "get", "name", "--rw"], '. Did you mean "--raw"?'],
    [["kv", "ls", "--rverse"], '. Did you mean "--reverse"?'],
    [["kv", "get", "name", "--rverse"], ""], // ls has it, get has not
    [["topic", "create", "x", "--partition", "4"], '. Did you mean "--partitions"?'],
    [["append", "orders", "--ta", "x"], '. Did you mean "--at"?'],
    [["append", "orders", "--hlp"], '. Did you mean "--help"?'],
    [
      ["topic", "set", "x", "--retention-es", "1"],
      '. Did you mean "--retention-age" or "--retention-bytes"?',
    ],
    [["kv", "ls", "-x"], ""],
    [["append", "orders", "--foo"], ""],
    [["kv", "range", "--start", "a"], ""],
  ];
  for (const [args, suggestion] of suggestions) {
    const word = args.find((word) => word.startsWith("-"))!;
    assert.equal(reasonOf(...args), unexpected(word) + suggestion, args.join(" "));
  }
});

test("a value that begins with a dash goes behind --, and the refusal says so", () => {
  const refused = parse("append", "orders", "-1") as { kind: string; hint: string };
  assert.equal(refused.kind, "refuse");
  assert.match(refused.hint, /goes behind --/);
  assert.equal(parse("append", "orders", "--", "-1").kind, "run");
});

test("wrong values are refused in words that say what is right", async () => {
  const refusals: [string[], RegExp][] = [
    [["read", "t", "-o", "x"], /Cannot use "x" as a range/],
    [["read", "t", "-o", "1:x"], /as a range/],
    [["read", "t", "-n", "-1"], /a whole number from 0 on, but got "-1"/],
    [["read", "t", "-n", "1e99"], /a whole number/],
    [["read", "t", "-p", "9007199254740993"], /a whole number/],
    [["append", "t", "--if-offset", "-1"], /a whole number/],
    [["append", "t", "--sync", "never"], /always, os or an interval/],
    [["append", "t", "--sync", "interval:0ms"], /always, os or an interval/],
    [["append", "t", "--linger", "5"], /a duration such as 200ms/],
    [["append", "t", "--format", "xml"], /"text", "json"/],
    [["append", "t", "-H", "novalue"], /"--header"|"-H"/],
    [["append", "t", "-k", "a", "-k", "b"], /cannot be used multiple times/],
    [["topic", "create", "t", "--partitions", "0"], /a whole number from 1 on/],
    [["topic", "create", "t", "--segment-bytes", "64XB"], /--segment-bytes/],
    [["topic", "set", "t", "--partitions", "2"], /--partitions/],
    [["topic", "set", "t", "--segment-bytes", "none"], /--segment-bytes/],
    [["serve", "--http", "8080"], /--http/],
    [["serve", "--http", "h:99999"], /--http/],
    [["truncate", "t", "--after", "end"], /a whole number/],
    [["truncate", "t", "--before", "soon"], /as a position/],
    [["append"], /Expected a "TOPIC"/],
    [["backup"], /"FOLDER"/],
    [["restore", "b"], /"TARGET"/],
    [["--at"], /requires/],
    [["info", "a", "b"], /"b"/],
  ];
  for (const [args, reason] of refusals) {
    const request = parse(...args);
    assert.equal(request.kind, "refuse", args.join(" "));
    assert.match((request as { reason: string }).reason, reason);
    assert.doesNotMatch((request as { reason: string }).reason, /\n/);
    assert.equal(await parseVerbLine(args), undefined, "the short way leaves it to all verbs");
  }
});

test("right values are taken, and mean the same the short way", async () => {
  for (
    const args of [
      ["read", "t", "-o", "-10"],
      ["read", "t", "-o-10", "-n5", "-p0"],
      ["read", "t", "-o", "@-1h:end", "-f", "%o\\n"],
      ["read", "t", "--offsets=10:20", "--reverse", "--key", ""],
      ["tail", "t", "-fn3"],
      ["tail", "t", "-f", "-n", "0", "-J"],
      ["append", "t", "", "-k", "", "-H", "a:b:c", "-H", "d:"],
      ["append", "t", "-K", ":", "-i", "-"],
      ["append", "t", "--sync", "interval:200ms", "--linger", "0ms", "--if-offset", "0"],
      ["truncate", "t", "--before", "@2026-11-20T00:00Z", "-y", "--dry-run"],
      ["topic", "create", "t", "--segment-bytes", "64MiB", "--retention-age", "none"],
      ["topic", "set", "t", "--retention-bytes", "10GB", "--retention-records", "5"],
      ["serve", "--http", "127.0.0.1:0", "--data", "d"],
      ["serve", "--http", "[::1]:8080", "--volume-id", "v1"],
      ["serve", "--http", "localhost:8080"],
      ["dump", "a.log", "b", "--headers-only"],
      ["verify", "-J"],
      ["repair", "d/t-0", "--accept-loss", "41:44", "-y", "-J"],
      ["repair", "d/t-0", "--dry-run"],
      ["backup", "b", "-J"],
      ["backup", "--list", "b"],
      ["restore", "b", "d", "--snapshot", "20261125T010634.123Z"],
      ["--at", "d", "--config", "f", "kv", "set", "read", "append", "--token-file", "tail"],
      ["--at", "http://h:1", "topic", "create", "t", "--ca-file", "c"],
      ["group", "seek", "g", "t", "--to", "start", "--at=d"],
    ]
  ) {
    const request = parse(...args);
    assert.equal(request.kind, "run", `${args.join(" ")}: ${JSON.stringify(request)}`);
    const { verb: _, ...asked } = request as RunRequest;
    const { verb, ...short } = (await parseVerbLine(args))!;
    assert.deepEqual(short, asked);
    assert.equal(typeof verb, "function");
  }
});

test("every verb can be had the short way, and help is left to all verbs", async () => {
  assert.deepEqual(Object.keys(VERB_LOADERS), Object.keys(verbs));
  for (const [name, load] of Object.entries(VERB_LOADERS)) {
    assert.equal(await load(), verbs[name as keyof typeof verbs], name);
    assert.equal(await parseVerbLine([name, "--help"]), undefined);
  }
  for (const words of [[], ["--help"], ["version"], ["appnd"], ["--at", "append", "read", "t"]]) {
    assert.equal(await parseVerbLine(words), undefined, words.join(" "));
  }
});
