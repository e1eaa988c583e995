/** Settings: from flags, variables and a file, and what `config` shows of them. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { LIMIT_SETTINGS } from "../../cli/config/limit_settings.ts";
import { readValue, writeValue } from "../../cli/config/read_value.ts";
import { type AnySetting, flagOf, variableOf } from "../../cli/config/setting.ts";
import { SETTINGS, SETTINGS_BY_KEY } from "../../cli/config/settings.ts";
import { TOPIC_SETTINGS } from "../../cli/config/topic_settings.ts";
import { COMPACTION_BYTES_PER_SECOND } from "../../core/base/limits.ts";
import { DEFAULT_TOPIC_CONFIG } from "../../core/topic_config.ts";
import { VOLUME_ID_DEFAULT } from "../../server/open_services.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

/** A file of settings in a folder of its own. */
function withFile(text: string | Uint8Array): { path: string } & AsyncDisposable {
  const dir = tempDir();
  const path = join(dir.path, "seglog.yaml");
  fs.writeFileSync(path, text);
  return { path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

interface Shown {
  readonly config: Readonly<Record<string, string>>;
  readonly sources: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

async function shown(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  const { code, out, err } = await runMain(["config", "show", "-J", ...args], { at: "", env });
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

/** What `config check` complains of. */
async function complaints(text: string | Uint8Array): Promise<string[]> {
  await using file = withFile(text);
  const { code, err } = await runMain(["config", "check", file.path], { at: "" });
  assert.equal(code, 2, err);
  return err.trimEnd().split("\n").map((line) => line.replace(`${file.path}:`, ""));
}

test("what holds where nothing is said is what the program has", () => {
  const standards = (table: Readonly<Record<string, AnySetting>>) =>
    Object.fromEntries(
      Object.entries(table).map(([name, setting]) => {
        const read = readValue(setting, setting.standard!);
        assert.ok(read.success);
        return [name, read.value];
      }),
    );
  assert.deepEqual(standards(LIMIT_SETTINGS), DEFAULT_SERVER_LIMITS);
  assert.deepEqual(standards(TOPIC_SETTINGS), DEFAULT_TOPIC_CONFIG);
  const { volumeId, compactionBytesPerSecond } = SETTINGS;
  assert.deepEqual(standards({ volumeId, compactionBytesPerSecond }), {
    volumeId: VOLUME_ID_DEFAULT,
    compactionBytesPerSecond: COMPACTION_BYTES_PER_SECOND,
  });
});

test("every setting has a flag, a variable and a key of its own, and is written as it is read", () => {
  const settings = Object.values(SETTINGS) as AnySetting[];
  for (const nameOf of [flagOf, variableOf, String]) {
    assert.equal(new Set(settings.map(({ key }) => nameOf(key))).size, settings.length);
  }
  for (const setting of settings) {
    if (setting.standard === undefined) continue;
    const read = readValue(setting, setting.standard);
    assert.ok(read.success, setting.key);
    assert.equal(writeValue(setting, read.value), setting.standard, setting.key);
  }
  assert.equal(flagOf("limits.body-bytes"), "--limits-body-bytes");
  assert.equal(variableOf("limits.body-bytes"), "SEGLOG_LIMITS_BODY_BYTES");
});

test("the help of serve tells of every setting, its flag and its variable", async () => {
  const { code, out } = await runMain(["serve", "--help"], { at: "" });
  assert.equal(code, 0);
  for (const { key } of Object.values(SETTINGS)) {
    assert.ok(out.includes(flagOf(key)), key);
    assert.ok(out.includes(variableOf(key)), key);
  }
});

test("a flag is stronger than a variable, and a variable than the file", async () => {
  await using file = withFile("http: 127.0.0.1:1\nlimits:\n  buckets: 1\n  stop-time: 1s\n");
  const env = { SEGLOG_HTTP: "127.0.0.1:2", SEGLOG_LIMITS_BUCKETS: "2" };
  const { config, sources } = await shown(
    ["--config", file.path, "--http", "127.0.0.1:3"],
    env,
  );
  assert.equal(config.http, "127.0.0.1:3");
  assert.deepEqual(sources.http, { kind: "flag", name: "--http" });
  assert.equal(config["limits.buckets"], "2");
  assert.deepEqual(sources["limits.buckets"], { kind: "variable", name: "SEGLOG_LIMITS_BUCKETS" });
  assert.equal(config["limits.stop-time"], "1s");
  assert.deepEqual(sources["limits.stop-time"], { kind: "file", path: file.path, line: 4 });
  assert.equal(config["limits.idle-time"], "2m");
  assert.deepEqual(sources["limits.idle-time"], { kind: "standard" });
});

test("SEGLOG_CONFIG names the file where --config does not, and none is read by itself", async () => {
  await using file = withFile("volume-id: v1\n");
  await using other = withFile("volume-id: v2\n");
  const env = { SEGLOG_CONFIG: file.path };
  assert.equal((await shown([], env)).config["volume-id"], "v1");
  assert.equal((await shown(["--config", other.path], env)).config["volume-id"], "v2");
  assert.equal((await shown([])).config["volume-id"], "default");
});

test("PORT, DATA_DIR and VOLUME_ID hold where no variable of our own does, before the file", async () => {
  await using file = withFile("http: 127.0.0.1:1\ndata: ./file\nvolume-id: file\n");
  const env = { PORT: "2", DATA_DIR: "./dir", VOLUME_ID: "vol" };
  const { config, sources } = await shown(["--config", file.path], env);
  assert.deepEqual([config.http, config.data, config["volume-id"]], [
    "127.0.0.1:2",
    "./dir",
    "vol",
  ]);
  assert.deepEqual(sources.http, { kind: "variable", name: "PORT" });
  const own = { ...env, SEGLOG_HTTP: "[::1]:3", SEGLOG_DATA: "./own", SEGLOG_VOLUME_ID: "own" };
  const { config: stronger } = await shown(["--config", file.path], own);
  assert.deepEqual([stronger.http, stronger.data, stronger["volume-id"]], [
    "[::1]:3",
    "./own",
    "own",
  ]);
});

test("what is served is what --at says where data is said less strongly", async () => {
  await using file = withFile("data: ./file\nat: ./at-file\n");
  const dataOf = async (args: string[], env = {}) => (await shown(args, env)).config.data;
  const config = ["--config", file.path];
  assert.equal(await dataOf([]), "./data");
  assert.equal(await dataOf(config), "./file");
  assert.equal(await dataOf(config, { SEGLOG_AT: "./at" }), "./at");
  assert.equal(await dataOf(config, { SEGLOG_AT: "./at", SEGLOG_DATA: "./data2" }), "./data2");
  assert.equal(await dataOf(["--at", "./flag"], { SEGLOG_DATA: "./data2" }), "./flag");
  assert.equal(await dataOf(["--at", "./flag", "--data", "./best"]), "./best");
});

test("other verbs work where the file says, and say what is wrong with it", async () => {
  await using dir = tempDir();
  const at = join(dir.path, "store");
  await using file = withFile(`at: ${JSON.stringify(at)}\n`);
  const env = { SEGLOG_CONFIG: file.path };
  assert.equal((await runMain(["append", "t", "a"], { at: "", env })).out, "0\n");
  assert.equal((await runMain(["read", "t"], { at })).out, "a\n");
  await using served = withFile(`data: ${JSON.stringify(at)}\n`);
  assert.equal((await runMain(["read", "t", "--config", served.path], { at: "" })).out, "a\n");
  await using broken = withFile("at: [\n");
  const { code, err } = await runMain(["read", "t", "--config", broken.path], { at });
  assert.equal(code, 2);
  assert.match(err, /^seglog: \S+seglog\.yaml:\d+:\d+: /);
});

test("a file is checked as a whole, each problem with its line and column", async () => {
  const found = await complaints([
    "htpt: 127.0.0.1:80", //                     1
    "http: [1, 2]", //                           2
    "data:", //                                  3
    "limits:", //                                4
    "  body-bytes: many", //                     5
    "  body-byte: 1KiB", //                      6
    "  connections: 0", //                       7
    "  stop-time: 100d", //                      8
    "role: {a: 1}", //                           9
    "topics: 5", //                             10
    "wholly-strange: 1", //                     11
    "limits.connections: 5", //                 12
    "limits.snapshots: 5", //                   13
    "  ", //                                    14
  ].join("\n"));
  assert.deepEqual(found.map((line) => /^\d+:\d+/.exec(line)?.[0]), [
    "1:1",
    "2:7",
    "3:1",
    "5:15",
    "6:3",
    "7:16",
    "8:14",
    "9:7",
    "10:9",
    "11:1",
  ]);
  assert.match(found[0]!, /"htpt" is no setting; did you mean "http"\?/);
  assert.match(found[2]!, /"data" has no value/);
  assert.match(found[4]!, /did you mean "limits.body-bytes"\?/);
  assert.match(found[8]!, /"topics" is a section/);
  assert.match(found[9]!, /seglog config example/);
});

test("what a topic may not have is told of before a server starts", async () => {
  const found = await complaints(
    "topics:\n  segment-bytes: 1\n  partitions: 5000\n  segment-age: 0s\n",
  );
  assert.deepEqual(found.map((line) => /^\d+:\d+: "[\w.-]+"/.exec(line)?.[0]), [
    '2:18: "topics.segment-bytes"',
    '3:15: "topics.partitions"',
    '4:16: "topics.segment-age"',
  ]);
  assert.match(found[1]!, /from 1 to 1024/);
});

test("a setting that is there twice is refused, whichever way it is written", async () => {
  assert.match((await complaints("role: all\nrole: all\n"))[0]!, /^2:1: .*unique/);
  const dotted = "limits:\n  buckets: 1\nlimits.buckets: 2\n";
  assert.match((await complaints(dotted))[0]!, /^3:1: "limits.buckets" is there twice/);
});

test("a setting may be written with dots, and a section may be empty", async () => {
  await using file = withFile("limits.buckets: 7\ntopics:\nhttp: '127.0.0.1:7'\n");
  const { code, out } = await runMain(["config", "check", file.path], { at: "" });
  assert.equal(code, 0);
  assert.match(out, /is right: 2 settings\n$/);
  const { config } = await shown(["--config", file.path]);
  assert.deepEqual([config["limits.buckets"], config.http], ["7", "127.0.0.1:7"]);
});

test("a list is written with commas, or as a list in the file, or by several flags", async () => {
  await using file = withFile(
    "allow-host:\n  - a.example\n  - '*.b.example'\nallow-origin: 'x,y'\n",
  );
  const hosts = async (args: string[], env = {}) => (await shown(args, env)).config["allow-host"];
  const config = ["--config", file.path];
  assert.equal(await hosts(config), "a.example,*.b.example");
  assert.equal((await shown(config)).config["allow-origin"], "x,y");
  assert.equal(await hosts(config, { SEGLOG_ALLOW_HOST: "c, d" }), "c, d");
  assert.equal(await hosts(["--allow-host", "e", "--allow-host", "f,g"]), "e,f,g");
  assert.match((await complaints("allow-host: [a, [b]]\n"))[0]!, /^1:17: .*single values/);
  assert.match((await complaints("http: [a]\n"))[0]!, /^1:7: "http" takes one value/);
});

test("a switch is a flag without a value, and true or false elsewhere", async () => {
  await using file = withFile("unprotected: true\n");
  const isOn = async (args: string[], env = {}) => (await shown(args, env)).config.unprotected;
  assert.equal(await isOn([]), "false");
  assert.equal(await isOn(["--unprotected"]), "true");
  assert.equal(await isOn(["--config", file.path]), "true");
  assert.equal(await isOn(["--config", file.path], { SEGLOG_UNPROTECTED: "false" }), "false");
  assert.match((await complaints("unprotected: yes\n"))[0]!, /^1:14: .*expected true or false/);
});

test("what is no file of settings is refused without harm", async () => {
  const refused: [string | Uint8Array, RegExp][] = [
    ["- a\n", /^1:1: expected settings/],
    ["just text\n", /^1:1: expected settings/],
    ["a: 1\n---\nb: 2\n", /documents/],
    ["role: !foo all\n", /^1:7: unresolved tag/],
    ["role: *nobody\n", /^\d:\d+: /],
    ["? [a]\n: 1\n", /^1:3: expected the name of a setting/],
    [new Uint8Array([0xff, 0xfe, 0x00]), /not UTF-8/],
    ["#".repeat(300_000), /larger than 256KiB/],
    [`${"[".repeat(100_000)}\n`, /^1:/],
  ];
  for (const [text, expected] of refused) assert.match((await complaints(text))[0]!, expected);
  await using dir = tempDir();
  for (const path of [dir.path, join(dir.path, "none.yaml")]) {
    const { code, err } = await runMain(["config", "check", path], { at: "" });
    assert.equal(code, 2);
    assert.match(
      err,
      /^seglog: cannot read the settings in .*: (it is no file|there is no such file)/,
    );
  }
});

test("names for values cost no more than what they stand for", async () => {
  const bomb = ["a: &a [x,x]"];
  for (let i = 1; i < 60; i++) {
    const before = String.fromCharCode(96 + (i > 26 ? 26 : i)) + (i > 26 ? i : "");
    bomb.push(
      `b${i}: &b${i} [*${i === 1 ? "a" : `b${i - 1}`},*${i === 1 ? "a" : `b${i - 1}`}] # ${before}`,
    );
  }
  bomb.push("role: *b59");
  const found = await complaints(bomb.join("\n"));
  assert.ok(found.length <= 20);
  await using file = withFile("limits:\n  buckets: &few 7\n  snapshots: *few\n");
  const { config } = await shown(["--config", file.path]);
  assert.deepEqual([config["limits.buckets"], config["limits.snapshots"]], ["7", "7"]);
});

test("a variable that says something else than it may is refused by its name", async () => {
  const env = { SEGLOG_LIMITS_BUCKETS: "none" };
  const { code, err } = await runMain(["config", "show"], { at: "", env });
  assert.equal(code, 2);
  assert.match(err, /^seglog: .*SEGLOG_LIMITS_BUCKETS.*"none".*--limits-buckets\n$/);
  // What is stronger is asked first, and then it does not matter.
  assert.equal((await shown(["--limits-buckets", "3"], env)).config["limits.buckets"], "3");
});

test("a variable that is nearly a setting is told, and one of somebody else's is not", async () => {
  const env = {
    SEGLOG_HTPT: "127.0.0.1:1",
    SEGLOG_SERVICE_HOST: "10.0.0.1",
    SEGLOG_PORT_8080_TCP: "tcp://10.0.0.1:8080",
    SEGLOG_DEBUG: "0",
  };
  const { code, err } = await runMain(["config", "show"], { at: "", env });
  assert.equal(code, 0);
  assert.equal(
    err,
    "seglog: the variable SEGLOG_HTPT is no setting; did you mean SEGLOG_HTTP?\n",
  );
});

test("the example explains every setting and sets none; without its marks it says what holds anyway", async () => {
  const { out } = await runMain(["config", "example"], { at: "" });
  assert.equal(parseDocument(out).contents, null);
  await using file = withFile(out.replaceAll(/^#(?! \S|$)/gm, ""));
  const check = await runMain(["config", "check", file.path], { at: "" });
  assert.equal(check.code, 0, check.err);
  assert.match(check.out, new RegExp(`: ${SETTINGS_BY_KEY.size} settings\n$`));
  const { config } = await shown(["--config", file.path]);
  for (const [key, value] of Object.entries((await shown([])).config)) {
    const { standard, example } = SETTINGS_BY_KEY.get(key)!;
    assert.equal(config[key], standard === undefined ? example : value, key);
  }
});

test("config show is a table of settings, their values, and who said them", async () => {
  await using file = withFile("role: all\n");
  const { out } = await runMain(["config", "show", "--config", file.path], {
    at: "",
    env: { VOLUME_ID: "v" },
  });
  assert.match(out, /^SETTING\tVALUE\tFROM\n/);
  assert.match(out, new RegExp(`\nrole\tall\t${file.path}:1\n`));
  assert.match(out, /\nvolume-id\tv\tvariable VOLUME_ID\n/);
  assert.match(out, /\nlimits.stop-time\t6s\tdefault\n/);
});
