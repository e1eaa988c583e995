/**
 * Shows the main job on real input: appends a file of events through the command line, reads it
 * back and compares, looks at the bytes on disk, truncates, serves, publishes and follows over HTTP.
 * Every step is checked; whatever it wrote is gone at the end.
 *
 * `deno task demo [FILE]`: any file of lines; without one, the sample in `demo/events.ndjson`
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { styleText } from "node:util";
import { type Command, endOf, ServerProcess, start } from "./command.ts";

const SAMPLE = fileURLToPath(new URL("../demo/events.ndjson", import.meta.url));
const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const SEGLOG: Command = process.versions.deno === undefined
  ? [process.execPath, MAIN]
  : [process.execPath, "run", "-A", "--quiet", MAIN];
const LINE_FEED = 10;
const COLUMNS = 100;

/** Bytes as a whole: two streams are the same when these are. */
interface Measure {
  readonly bytes: number;
  readonly lines: number;
  readonly sha256: string;
}

// A task runs in the folder of the project; INIT_CWD is where the user typed the name of the file.
const file = process.argv[2] === undefined
  ? SAMPLE
  : resolve(process.env.INIT_CWD ?? "", process.argv[2]);
const home = fs.mkdtempSync(join(os.tmpdir(), "seglog-demo-"));
const data = join(home, "data");
const startedMs = Date.now();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    fs.rmSync(home, { recursive: true, force: true });
    process.exit(130);
  });
}

try {
  await demo();
  say("");
  say(`Done in ${((Date.now() - startedMs) / 1000).toFixed(1)} s. Nothing is left behind.`);
} catch (error) {
  say("");
  say(styleText("red", `The demo failed: ${(error as Error).message}`));
  process.exitCode = 1;
} finally {
  fs.rmSync(home, { recursive: true, force: true });
}

async function demo(): Promise<void> {
  const whole = await measure(fs.createReadStream(file));
  check(whole.lines > 0, `${file} has no lines`);
  const format = await isNdjson(file) ? "json" : "text";
  const what = `${whole.lines.toLocaleString("en")} lines of ${format}`;
  say(`${styleText("bold", basename(file))}: ${what}, ${amount(whole.bytes, "byte")}`);

  title("Append the file, durably");
  const range = await seglog(["append", "events", "--format", format, "-i", file]);
  shown(range);
  const expected = whole.lines === 1 ? "0" : `0..${whole.lines}`;
  check(range.trim() === expected, `expected the offsets ${expected}`);

  title("Read it back, and compare byte for byte");
  same(await measureOutput(["read", "events"]), whole);
  passed(`the same ${amount(whole.bytes, "byte")}, SHA-256 ${whole.sha256.slice(0, 16)}…`);

  title("Look at what is on disk");
  const segments = fs.readdirSync(join(data, "events-0")).filter((name) => name.endsWith(".log"));
  const segment = join("data", "events-0", segments.toSorted()[0]!);
  const dumped = await seglog(["dump", segment]);
  shown(dumped, 5);
  check(dumped.includes("crc: ok"), "the dump shows no whole batch");
  await seglog(["verify"]);
  passed("every checksum is right");

  const before = whole.lines - Math.max(1, Math.min(500, whole.lines - 1));
  title("Drop the oldest records, and compare what is left");
  await seglog(["truncate", "events", "--before", String(before), "-y"]);
  const rest = await measure(fs.createReadStream(file), before);
  same(await measureOutput(["read", "events"]), rest);
  passed(`offsets ${before} to ${whole.lines - 1} are left, and unchanged`);

  await overHttp(whole.lines);
}

/** Serves the folder, publishes and follows through the server, and stops it. */
async function overHttp(nextOffset: number): Promise<void> {
  title("Serve the folder over HTTP");
  command(["serve", "--http", "127.0.0.1:0"]);
  await using server = await ServerProcess.start(SEGLOG, data, environment());
  const { url } = server;
  passed(`listening on ${url}`);

  title("Follow the topic over HTTP, and publish while it is followed");
  const tail = ["--at", url, "tail", "events", "-n", "1", "-f", "--format", "%o %k %v\\n"];
  command(tail);
  const follower = start([...SEGLOG, ...tail], environment());
  const lines = linesOf(follower.stdout!);
  try {
    const last = await nextLine(lines);
    check(last.startsWith(`${nextOffset - 1} `), "the follower did not start at the last record");
    const value = '{"hello":"🌍","id":9223372036854775807}';
    const body = `{"key":"demo","value":${value}}`;
    const headers = { "Content-Type": "application/json" };
    const records = `${url}/v1/topics/events/records`;
    say(styleText("dim", `  $ curl --json '${body}' ${records}`));
    const response = await fetch(records, { method: "POST", headers, body });
    shown(await response.text());
    check(response.status === 200, `publishing was answered with ${response.status}`);
    const line = await nextLine(lines);
    shown(line);
    check(line === `${nextOffset} demo ${value}`, "the follower saw something else");
    passed("the follower saw it, 64-bit integer and all");
  } finally {
    follower.kill();
    await endOf(follower);
  }

  title("Stop the server");
  check(await server.stop() === 0, "the server did not end in good order");
  passed("it finished what was under way and closed the log");
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next();
  check(!done, "the follower ended");
  return value!;
}

/** Runs a verb that must succeed, and returns what it prints. */
async function seglog(args: string[]): Promise<string> {
  command(args);
  const child = start([...SEGLOG, ...args], environment());
  let output = "";
  let complaint = "";
  child.stdout!.on("data", (chunk) => output.length < 1 << 20 && (output += chunk));
  child.stderr!.on("data", (chunk) => complaint += chunk);
  check(await endOf(child) === 0, `seglog ${args[0]} failed: ${complaint.trim()}`);
  return output;
}

/** Runs a verb and measures what it prints, however much that is. */
async function measureOutput(args: string[]): Promise<Measure> {
  command(args);
  const child = start([...SEGLOG, ...args], environment());
  const end = endOf(child);
  child.stderr!.resume();
  const measured = await measure(child.stdout!);
  check(await end === 0, `seglog ${args[0]} failed`);
  return measured;
}

/** Measures a stream from line `skip` on. A last line without a line feed counts as if it had one. */
async function measure(stream: AsyncIterable<Uint8Array>, skip = 0): Promise<Measure> {
  const hash = createHash("sha256");
  let bytes = 0;
  let lines = 0;
  let isLineOpen = false;
  let left = skip;
  for await (const chunk of stream) {
    let at = 0;
    for (; left > 0 && at < chunk.length; at++) if (chunk[at] === LINE_FEED) left--;
    const wanted = chunk.subarray(at);
    if (left > 0 || wanted.length === 0) continue;
    for (const byte of wanted) if (byte === LINE_FEED) lines++;
    hash.update(wanted);
    bytes += wanted.length;
    isLineOpen = wanted.at(-1) !== LINE_FEED;
  }
  if (isLineOpen) hash.update("\n");
  const added = isLineOpen ? 1 : 0;
  return { bytes: bytes + added, lines: lines + added, sha256: hash.digest("hex") };
}

async function isNdjson(path: string): Promise<boolean> {
  try {
    for await (const line of linesOf(fs.createReadStream(path))) JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/** Lines end with a line feed and nothing else: a carriage return belongs to its line. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function environment() {
  return { cwd: home, env: { ...process.env, SEGLOG_AT: "data", NO_COLOR: "1" } };
}

function same(actual: Measure, expected: Measure): void {
  const { bytes, lines } = actual;
  check(
    actual.sha256 === expected.sha256,
    `read ${amount(lines, "line")} and ${amount(bytes, "byte")} that differ from the file's ` +
      `${amount(expected.lines, "line")} and ${amount(expected.bytes, "byte")}`,
  );
}

function check(holds: boolean, complaint: string): void {
  if (!holds) throw new Error(complaint);
}

function title(text: string): void {
  say("");
  say(styleText("bold", text));
}

function command(args: string[]): void {
  const words = args.map((word) => /^[\w./:@-]+$/.test(word) ? word : `'${word}'`);
  say(styleText("dim", `  $ seglog ${words.join(" ")}`));
}

/** The first lines of some output, cut to the width of a page. */
function shown(output: string, linesMax = 1): void {
  const lines = output.trimEnd().split("\n");
  for (const line of lines.slice(0, linesMax)) {
    say(`  ${line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line}`);
  }
  if (lines.length > linesMax) say("  …");
}

function passed(what: string): void {
  say(`  ${styleText("green", "✓")} ${what}`);
}

function amount(count: number, unit: string): string {
  return `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
