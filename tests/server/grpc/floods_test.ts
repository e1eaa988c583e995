/** What a client may do to a connection of HTTP/2 without taking the server with it. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { Health } from "../../../server/grpc/generated/grpc/health/v1/health_pb.js";
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  type Frame,
  frame,
  headerBlock,
  rawSession,
  reset,
} from "./raw_http2.ts";
import { bytes, grpcJs, type OpenGrpc, openGrpc } from "./support.ts";
import { atLast } from "../../support/until.ts";

const CHECK = "/grpc.health.v1.Health/Check";
const CONSUME = "/seglog.v1.LogService/ConsumeStream";
const NO_ERROR = 0;
const REFUSED_STREAM = 7;
const ODD = (i: number) => 2 * i + 1;

/** The server still answers others, on a connection of their own. */
async function expectAlive(opened: OpenGrpc): Promise<void> {
  assert.equal((await opened.client(Health).check({})).status, 1);
}

/** The same where it may be too busy to answer at once, or ends what takes a moment too long. */
async function untilAlive(opened: OpenGrpc): Promise<void> {
  await atLast(() => expectAlive(opened));
}

test("400 calls in one write: those beyond the bound are refused, and the server lives", async () => {
  await using opened = await openGrpc();
  using session = await rawSession(opened.port);
  const heads = Array.from(
    { length: 400 },
    (_, i) => frame(FRAME.headers, ODD(i), { flags: END_HEADERS, content: callHeaders(CONSUME) }),
  );
  session.write(...heads);
  const last = ODD(399);
  const isLast = ({ type, stream }: Frame) => type === FRAME.reset && stream === last;
  const refused = await session.until(isLast).catch(() => undefined); // Bun ends it by itself
  assert.equal(refused?.content[3] ?? REFUSED_STREAM, REFUSED_STREAM);
  await expectAlive(opened);
  const refusals = session.frames.filter(({ type }) => type === FRAME.reset);
  assert.ok(refusals.length <= 400 - 100, "as many as 100 are always taken");
});

test("a client that begins 400 calls at once gets 400 answers", async () => {
  await using opened = await openGrpc();
  using health = grpcJs(opened.port, "grpc.health.v1.Health");
  const calls = Array.from({ length: 400 }, () => health.call("Check", { service: "" }));
  for (const answer of await Promise.all(calls)) assert.deepEqual(answer, { status: 1 });
});

test("whole calls, 400 in one write, taken back in the next: the server lives", async () => {
  await using opened = await openGrpc();
  for (let round = 0; round < 3; round++) {
    using session = await rawSession(opened.port);
    const flags = END_HEADERS | END_STREAM;
    const content = callHeaders(CHECK);
    session.write(
      ...Array.from({ length: 400 }, (_, i) => frame(FRAME.headers, ODD(i), { flags, content })),
    );
    session.write(...Array.from({ length: 400 }, (_, i) => reset(ODD(i))));
    await expectAlive(opened);
  }
});

test("a connection that begins calls only to take them back is told to calm down, and ended", async () => {
  await using opened = await openGrpc({
    grpc: { limits: { resetsMax: 200, resetsPerSecond: 1 } },
  });
  using session = await rawSession(opened.port);
  const content = callHeaders(CHECK);
  for (let i = 0; i < 2000; i++) {
    session.write(
      frame(FRAME.headers, ODD(i), { flags: END_HEADERS, content }),
      reset(ODD(i)),
    );
  }
  await session.ended;
  const codes = session.frames.filter(({ type }) => type === FRAME.goaway)
    .map(({ content }) => content[7]);
  // Which code it is, and whether it comes before the end, differs among the runtimes.
  if (codes.length > 0) assert.notDeepEqual(codes, [NO_ERROR]);
  await expectAlive(opened);
});

test("resets within reason are no offence", async () => {
  await using opened = await openGrpc();
  using session = await rawSession(opened.port);
  const content = callHeaders(CHECK);
  for (let i = 0; i < 300; i++) {
    session.write(frame(FRAME.headers, ODD(i), { flags: END_HEADERS, content }), reset(ODD(i)));
  }
  session.write(frame(FRAME.ping, 0, { content: bytes("12345678") }));
  await session.until(({ type, flags }) => type === FRAME.ping && flags === 1);
  await expectAlive(opened);
});

test("headers without an end are not gathered without an end", async () => {
  await using opened = await openGrpc();
  using session = await rawSession(opened.port);
  session.write(frame(FRAME.headers, 1, { content: callHeaders(CHECK) }));
  const part = frame(FRAME.continuation, 1, {
    content: headerBlock({ [`x-${"n".repeat(20)}`]: "v".repeat(16_000) }),
  });
  let written = 0;
  const isOver = session.ended.then(() => true);
  for (; written < 2000; written++) {
    const drained = new Promise<boolean>((resolve) => {
      if (session.socket.write(part)) resolve(false);
      else session.socket.once("drain", () => resolve(false));
    });
    if (await Promise.race([isOver, drained])) break;
  }
  assert.ok(written < 2000, "the connection ended before 32 MiB of headers were taken");
  await expectAlive(opened);
});

test("a header block above the bound is no call", async () => {
  await using opened = await openGrpc({ app: { limits: { headersBytesMax: 4096 } } });
  using session = await rawSession(opened.port);
  const more = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`x-${i}`, "v".repeat(700)]),
  );
  const content = callHeaders(CHECK, more);
  session.write(frame(FRAME.headers, 1, { flags: END_HEADERS | END_STREAM, content }));
  const isAnswer = ({ type, stream }: Frame) =>
    type === FRAME.goaway || (stream === 1 && (type === FRAME.reset || type === FRAME.headers));
  const answer = await session.until(isAnswer).catch(() => undefined); // or it was just ended
  // A status without a message: all of the answer is one block of headers.
  if (answer?.type === FRAME.headers) assert.ok(answer.flags & END_STREAM);
  await expectAlive(opened);
});

test("what is not HTTP/2 is not talked to", async () => {
  await using opened = await openGrpc();
  const { connect } = await import("node:net");
  const socket = connect(opened.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("data", () => {});
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await ended;
  await expectAlive(opened);
});

test("pings and settings without an end do not keep the server from others", async () => {
  await using opened = await openGrpc();
  using session = await rawSession(opened.port);
  const ping = frame(FRAME.ping, 0, { content: bytes("12345678") });
  const settings = frame(FRAME.settings, 0);
  session.write(...Array.from({ length: 5000 }, () => Buffer.concat([ping, settings])));
  await expectAlive(opened);
});

test("a message that is announced and does not come ends its call, not its connection", async () => {
  await using opened = await openGrpc({ app: { limits: { bodyMs: 30 } } });
  using session = await rawSession(opened.port);
  const content = callHeaders("/seglog.v1.LogService/Produce");
  const head = Uint8Array.of(0, 0, 1, 0, 0);
  for (const stream of [1, 3]) {
    session.write(
      frame(FRAME.headers, stream, { flags: END_HEADERS, content }),
      frame(FRAME.data, stream, { content: stream === 1 ? head : new Uint8Array(0) }),
    );
    // The status comes as trailers, which end the stream.
    await session.until((frame) =>
      frame.stream === stream && frame.type === FRAME.headers && (frame.flags & END_STREAM) !== 0
    );
  }
  await untilAlive(opened);
});

test("memory that is announced on many calls is counted before it is taken", async () => {
  const limits = { bodiesBytesMax: 1_000_000 };
  await using opened = await openGrpc({ app: { limits } });
  using session = await rawSession(opened.port);
  const content = callHeaders("/seglog.v1.LogService/ProduceStream");
  const head = Uint8Array.of(0, 0, 6, 0, 0); // 393216 bytes: two of them fit
  for (let i = 0; i < 10; i++) {
    session.write(
      frame(FRAME.headers, ODD(i), { flags: END_HEADERS, content }),
      frame(FRAME.data, ODD(i), { content: head }),
    );
  }
  const isStatus = (stream: number) => ({ type, flags, ...frame }: typeof session.frames[0]) =>
    frame.stream === stream && type === FRAME.headers && (flags & END_STREAM) !== 0;
  for (let i = 2; i < 10; i++) await session.until(isStatus(ODD(i)));
  assert.ok(!session.frames.some(isStatus(1)) && !session.frames.some(isStatus(3)));
});

test("connections beyond the bound are turned away, and those that do nothing are ended", async () => {
  const limits = { connectionsMax: 2, idleMs: 50, pingMs: 150 };
  await using opened = await openGrpc({ app: { limits } });
  using first = await rawSession(opened.port);
  await first.until(({ type }) => type === FRAME.settings);
  using second = await rawSession(opened.port);
  await second.until(({ type }) => type === FRAME.settings);
  using third = await rawSession(opened.port);
  await third.ended;
  await Promise.all([first.ended, second.ended]);
  // The server may see their end a moment later than they do.
  await untilAlive(opened);
});

test("a client that is gone without a word is missed, and what follows for it ends", async () => {
  await using opened = await openGrpc({ app: { limits: { pingMs: 1000 } } });
  await opened.store.append("t", [{ value: "x" }]);
  using session = await rawSession(opened.port); // it answers no ping
  const content = callHeaders(CONSUME);
  const follow = bytes("\0\0\0\0\x05\x0a\x01t\x28\x01"); // topic "t", follow
  session.write(
    frame(FRAME.headers, 1, { flags: END_HEADERS, content }),
    frame(FRAME.data, 1, { flags: END_STREAM, content: follow }),
  );
  await session.until(({ type }) => type === FRAME.data);
  await session.ended;
  const { metrics } = opened.service.services;
  while (metrics.followers > 0) await new Promise((resolve) => setImmediate(resolve));
});
