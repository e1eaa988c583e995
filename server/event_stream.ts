/**
 * Server-sent events: a stream that goes on until the client goes or the server stops, and says
 * meanwhile that it lives.
 *
 * @module
 */
import { encodeUtf8 } from "../core/base/bytes.ts";
import { demandCurrent } from "./access/credentials_ended.ts";
import { AS_TYPED } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { streamFailed } from "./fault.ts";
import { EVENTS_TYPE } from "./media_types.ts";
import { patience, settledWithin } from "./patience.ts";
import { describeFault, problemJson } from "./problem.ts";
import { streamOf } from "./streaming.ts";

const RECONNECT_MS = 1000;
const PING = encodeUtf8(": ping\n\n");

/** What a stream of events has. */
export interface EventSource {
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Whole events. Called when the client begins to read, which it may never do.
   *
   * @param signal ends them quietly
   */
  readonly events: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void, undefined>;
}

/**
 * The answer that gives these events. Its last one is `end` when they end or the server stops, or
 * `error` with a problem.
 */
export function eventStream(exchange: Exchange, source: EventSource): Response {
  const leaving = new AbortController();
  const { services: { limits, metrics, notice, clock }, path, incoming } = exchange;
  const body = streamOf(framed(exchange, source, leaving.signal), () => leaving.abort(), {
    ms: limits.blockedMs,
    onBlocked: (error) => {
      metrics.cut();
      notice(`${path}: ${describeFault(error)}`);
      // What is on its way fills the socket: it would never end by itself.
      incoming?.socket.destroy();
      return incoming !== undefined;
    },
    clock,
  });
  const headers = {
    "content-type": EVENTS_TYPE,
    "cache-control": "no-store",
    ...AS_TYPED,
    ...source.headers,
  };
  return new Response(body, { headers });
}

async function* framed(
  exchange: Exchange,
  { events }: EventSource,
  leaving: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { request, services, visitor } = exchange;
  const ended = services.metrics.follower();
  const watching = patience([request.signal, services.stopping, visitor.ended, leaving]);
  try {
    yield encodeUtf8(`retry: ${RECONNECT_MS}\n\n`);
    yield* withPings(events(watching.signal), services.limits.pingMs);
    demandCurrent(visitor);
    const reason = services.stopping.aborted ? "stopping" : "complete";
    yield encodeUtf8(`event: end\ndata: {"reason":"${reason}"}\n\n`);
  } catch (error) {
    streamFailed(exchange, error);
    yield encodeUtf8(`event: error\ndata: ${problemJson(error)}\n\n`);
  } finally {
    watching.release();
    ended();
  }
}

/** Puts a comment into every pause of `pingMs`, so that nobody on the way takes it for dead. */
async function* withPings(
  source: AsyncGenerator<Uint8Array, void, undefined>,
  pingMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let upcoming = source.next();
  try {
    for (;;) {
      const result = await settledWithin(upcoming, pingMs);
      if (result === undefined) {
        yield PING;
        continue;
      }
      if (result.done) return;
      yield result.value;
      upcoming = source.next();
    }
  } finally {
    upcoming.catch(() => {});
    await source.return();
  }
}
