/** The server's own log: what lines look like, what is in them, and what never is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeglogError } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { LOG_VALUE_CHARS_MAX } from "../../server/limits.ts";
import {
  jsonLogger,
  type Logger,
  type LogLevel,
  noticeLogger,
  textLogger,
} from "../../server/logger.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { tracing } from "../support/tracing.ts";
import { openGuarded } from "./access/access_support.ts";
import { jsonRequest, openApp, openServer, overriding, post } from "./support.ts";

const RECORDS = "/v1/topics/orders/records";

type Line = Readonly<Record<string, unknown>>;

/** A log of JSON, and its lines so far. */
function jsonLog(least: LogLevel = "info"): { logger: Logger; lines(event?: string): Line[] } {
  const texts: string[] = [];
  const logger = jsonLogger((line) => texts.push(line), { clock: new FakeClock(0), least });
  return {
    logger,
    lines: (event) =>
      texts.map((text) => JSON.parse(text))
        .filter((line) => event === undefined || line.event === event),
  };
}

/** The same in text. */
function textLog(least?: LogLevel): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return { logger: textLogger((line) => lines.push(line), least), lines };
}

test("a line of JSON has its time, level and message first, and its fields", () => {
  const texts: string[] = [];
  const logger = jsonLogger((line) => texts.push(line), {
    clock: new FakeClock(1_700_000_000_000),
  });
  logger.warn("look here", { event: "notice", count: 3, isNew: true, gone: undefined, none: null });
  assert.deepEqual(texts, [
    '{"time":"2023-11-14T22:13:20.000Z","level":"warn","msg":"look here",' +
    '"event":"notice","count":3,"isNew":true,"none":null}\n',
  ]);
});

test("no field takes the place of the time, the level or the message", () => {
  const { logger, lines } = jsonLog();
  logger.error("real", { time: "never", level: "debug", msg: "false", event: "x" });
  assert.deepEqual(lines(), [
    { time: "1970-01-01T00:00:00.000Z", level: "error", msg: "real", event: "x" },
  ]);
});

test("text says the message, and the fields that it does not say already", () => {
  const { logger, lines } = textLog();
  logger.info("listening on http://a:1", { event: "listening", url: "http://a:1" });
  logger.info('audit: "ops": 204', { event: "audit", status: 204, principal: "ops", ms: 20 });
  logger.warn("slow", { path: "/a b", client: "::1", gone: undefined });
  logger.error("broken");
  assert.deepEqual(lines, [
    "listening on http://a:1\n",
    'audit: "ops": 204 ms=20\n',
    'seglog: slow path="/a b" client=::1\n',
    "seglog: broken\n",
  ]);
});

test("what is below the level is not written, and need not be put together", () => {
  for (const open of [jsonLog, textLog]) {
    const { logger, lines } = open("warn");
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    assert.equal((typeof lines === "function" ? lines() : lines).length, 2);
    const levels = ["debug", "info", "warn", "error"] as const;
    assert.deepEqual(levels.map((level) => logger.isOn(level)), [false, false, true, true]);
  }
});

test("nothing that others sent ends a line or reaches a terminal as a command", () => {
  const nasty = 'a\nb\r\x1b[31m\x9b2J\u2028\u202e\x00\x7f"\\';
  const json: string[] = [];
  const text: string[] = [];
  const loggers = [
    jsonLogger((line) => json.push(line), { clock: new FakeClock() }),
    textLogger((line) => text.push(line)),
  ];
  for (const logger of loggers) {
    logger.warn(nasty, { path: `x${nasty}` });
    logger.warn("fine", { path: nasty });
  }
  for (const line of [...json, ...text]) {
    assert.equal(line.indexOf("\n"), line.length - 1, "one line");
    // deno-lint-ignore no-control-regex -- these are what is looked for
    assert.doesNotMatch(line.slice(0, -1), /[\0-\x1f\x7f-\x9f\u2028\u202e]/);
  }
  assert.equal(JSON.parse(json[0]!).msg, nasty, "JSON says it exactly");
  assert.equal(JSON.parse(json[1]!).path, nasty);
});

test("a value of any length makes a line of a bounded one", () => {
  const { logger, lines } = jsonLog();
  logger.warn("m".repeat(1e6), { path: "p".repeat(1e6) });
  const [{ msg, path }] = lines() as [Line];
  assert.equal(String(msg).length, LOG_VALUE_CHARS_MAX + 1);
  assert.equal(String(path).length, LOG_VALUE_CHARS_MAX + 1);
});

test("whoever takes notices gets each event as one text, and a stack with it", () => {
  const notices: string[] = [];
  const logger = noticeLogger((notice) => notices.push(notice));
  logger.debug("no");
  logger.info("yes", { event: "audit" });
  logger.error("fault", { stack: "Error\n    at here" });
  assert.deepEqual(notices, ["yes", "fault\nError\n    at here"]);
});

test("a request is logged at debug, or at info where it is asked for", async () => {
  for (
    const [least, logRequests, expected] of [
      ["info", false, []],
      ["info", true, ["info"]],
      ["debug", false, ["debug"]],
      ["warn", true, []],
    ] as const
  ) {
    const { logger, lines } = jsonLog(least);
    await using opened = await openApp({ logger, logRequests });
    await opened.app.request("/livez");
    assert.deepEqual(lines("request").map(({ level }) => level), expected);
  }
});

test("the line of a request says who asked for what, and how it went", async () => {
  const { logger, lines } = jsonLog();
  await using opened = await openServer({ logger, logRequests: true });
  await fetch(`${opened.url}${RECORDS}?key=secret`, post("application/octet-stream", "abc"));
  await fetch(`${opened.url}/v1/topics/none%0a`);
  const [append, missing] = lines("request") as [Line, Line];
  const { ms, client, bytes_out: sent, ...rest } = append;
  assert.ok(Number(ms) > 0 && Number(sent) > 10);
  assert.match(String(client), /127\.0\.0\.1/);
  assert.deepEqual(rest, {
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    msg: `POST ${RECORDS}: 200`,
    event: "request",
    method: "POST",
    path: RECORDS,
    route: "/v1/topics/:topic/records",
    status: 200,
    bytes_in: 3,
    tenant: "default",
    principal: "anybody",
  });
  assert.deepEqual([missing.status, missing.code], [404, "not-found"]);
  assert.equal(missing.path, "/v1/topics/none%0a");
});

test("credentials and queries are never in the log, whatever happens to the request", async () => {
  const texts: string[] = [];
  const logger = jsonLogger((line) => texts.push(line), { clock: new FakeClock(), least: "debug" });
  await using opened = await openGuarded({ logger, logRequests: true });
  const token = await opened.token({ name: "ann", grants: "consume:orders" });
  for (const authorization of [`Bearer ${token}`, "Bearer made-up-by-me", "Basic bWFkZTp1cA=="]) {
    for (const path of [`${RECORDS}?key=private`, "/v1/tokens", "/nowhere"]) {
      await opened.app.request(path, { headers: { authorization } });
      await opened.app.request(path, { method: "POST", headers: { authorization }, body: "{}" });
    }
  }
  const all = texts.join("");
  assert.match(all, /"principal":"ann"/);
  assert.doesNotMatch(all, /Bearer|made-up|bWFkZ|private/);
  assert.ok(!all.includes(token) && !all.includes(token.slice(-43)));
});

test("who changes how the server is run is an event by itself, with fields", async () => {
  const { logger, lines } = jsonLog();
  await using opened = await openGuarded({ logger });
  await opened.operator("/v1/topics/orders", { method: "PUT" });
  assert.deepEqual(lines("audit").at(-1), {
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    msg: 'audit: "operator" of default: PUT /v1/topics/orders: 201',
    event: "audit",
    principal: "operator",
    tenant: "default",
    method: "PUT",
    path: "/v1/topics/orders",
    status: 201,
  });
});

test("a fault is an error with its code; a surprise brings its stack in one field", async () => {
  const { logger, lines } = jsonLog();
  await using opened = await openApp();
  const app = createApp(
    overriding(opened.store, {
      listTopics: () => Promise.reject(new TypeError("surprise")),
      bounds: (topic) =>
        topic === "a"
          ? Promise.reject(new SeglogError("poisoned", "The log gave up"))
          : opened.store.bounds(topic),
    }),
    { logger },
  );
  await app.request("/v1/topics");
  await app.request("/v1/topics/a/bounds");
  await app.request("/nowhere");
  const [surprise, poisoned, ...others] = lines() as [Line, Line];
  assert.deepEqual(others, [], "what callers do wrong is no event");
  assert.deepEqual([surprise.level, surprise.event, surprise.code], ["error", "fault", "internal"]);
  assert.equal(surprise.msg, "GET /v1/topics: internal: surprise");
  assert.match(String(surprise.stack), /surprise|@/);
  assert.equal(poisoned.code, "poisoned");
  assert.equal(poisoned.stack, undefined);
});

test("what is logged of a request names its trace", async () => {
  using traced = tracing();
  const { logger, lines } = jsonLog();
  await using opened = await openApp({ logger, logRequests: true });
  await opened.app.request(RECORDS, jsonRequest("POST", [{ value: 1 }]));
  const { traceId, spanId } = traced.span("POST /v1/topics/:topic/records").spanContext();
  const [line] = lines("request");
  assert.deepEqual([line!.trace_id, line!.span_id], [traceId, spanId]);
});
