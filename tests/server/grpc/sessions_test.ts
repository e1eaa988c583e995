/** What one connection may do, counted by us: not every runtime does it by itself. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { constants, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { Server } from "node:net";
import { test } from "node:test";
import { DEFAULT_GRPC_LIMITS } from "../../../server/grpc/limits.ts";
import { Sessions } from "../../../server/grpc/sessions.ts";
import { DEFAULT_SERVER_LIMITS } from "../../../server/limits.ts";
import { Metrics } from "../../../server/metrics/metrics.ts";

/** A connection that notes what is done to it. */
class FakeSession extends EventEmitter {
  destroyed = false;
  isClosed = false;
  readonly goaways: number[] = [];
  pings = 0;
  readonly end = Promise.withResolvers<string>();

  close(): void {
    this.isClosed = true;
  }

  goaway(code: number): void {
    this.goaways.push(code);
  }

  destroy(): void {
    this.destroyed = true;
    this.end.resolve("ended");
  }

  /** It is never answered. */
  ping(): void {
    if (++this.pings === 2) this.end.resolve("asked once more");
  }
}

/** A call that notes how it was closed. */
class FakeStream extends EventEmitter {
  readonly session: FakeSession;
  rstCode: number = constants.NGHTTP2_NO_ERROR;

  constructor(session: FakeSession) {
    super();
    this.session = session;
  }

  close(code: number): void {
    this.rstCode = code;
    this.emit("close");
  }
}

function openSessions(limits: { callsMax: number; resetsMax: number; pingMs?: number }) {
  const server = new EventEmitter();
  const source = {
    server: server as unknown as Http2Server,
    listener: new EventEmitter() as unknown as Server,
    front: undefined,
  };
  const sessions = new Sessions(source, {
    limits: { ...DEFAULT_SERVER_LIMITS, ...DEFAULT_GRPC_LIMITS, ...limits, resetsPerSecond: 0 },
    metrics: new Metrics("0.0.0"),
  });
  return {
    connect(): FakeSession {
      const session = new FakeSession();
      server.emit("session", session);
      return session;
    },
    call(session: FakeSession): { stream: FakeStream; isTaken: boolean } {
      const stream = new FakeStream(session);
      return { stream, isTaken: sessions.take(stream as unknown as ServerHttp2Stream) };
    },
    [Symbol.asyncDispose]: () => sessions.stop(0, () => {}),
  };
}

test("a connection has so many calls at once; one more is refused, and safe to try again", async () => {
  await using opened = openSessions({ callsMax: 2, resetsMax: 10 });
  const session = opened.connect();
  const first = opened.call(session);
  assert.ok(first.isTaken && opened.call(session).isTaken);
  const refused = opened.call(session);
  assert.equal(refused.isTaken, false);
  assert.equal(refused.stream.rstCode, constants.NGHTTP2_REFUSED_STREAM);
  assert.ok(opened.call(opened.connect()).isTaken, "others are not concerned");
  first.stream.close(constants.NGHTTP2_NO_ERROR);
  assert.ok(opened.call(session).isTaken);
});

for (
  const [what, callsMax, give] of [
    ["takes calls back", 1, (stream: FakeStream) => stream.close(constants.NGHTTP2_CANCEL)],
    ["begins calls where there is no room", 0, () => {}],
  ] as const
) {
  test(`a connection that ${what} again and again is told to calm down, and ended`, async () => {
    await using opened = openSessions({ callsMax, resetsMax: 5 });
    const session = opened.connect();
    for (let i = 0; i < 5; i++) give(opened.call(session).stream);
    assert.equal(session.destroyed, false);
    give(opened.call(session).stream);
    assert.deepEqual(session.goaways, [constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    assert.ok(session.destroyed);
    assert.equal(opened.call(session).isTaken, false);
  });
}

test("calls that are answered are no offence, however many", async () => {
  await using opened = openSessions({ callsMax: 1, resetsMax: 5 });
  const session = opened.connect();
  for (let i = 0; i < 100; i++) opened.call(session).stream.close(constants.NGHTTP2_NO_ERROR);
  assert.equal(session.destroyed, false);
});

test("a connection that stops takes no more calls, and ends with the last one", async () => {
  const opened = openSessions({ callsMax: 5, resetsMax: 5 });
  const session = opened.connect();
  const { stream } = opened.call(session);
  await opened[Symbol.asyncDispose]();
  assert.equal(opened.call(session).isTaken, false);
  stream.close(constants.NGHTTP2_NO_ERROR);
  assert.ok(session.isClosed);
});

test("a client that does not answer while it has a call is given up", async () => {
  await using opened = openSessions({ callsMax: 5, resetsMax: 5, pingMs: 5 });
  const session = opened.connect();
  opened.call(session);
  const alive = setInterval(() => {}, 1000); // the timer of the sessions keeps no process alive
  assert.equal(await session.end.promise, "ended");
  clearInterval(alive);
});
