/**
 * Records as server-sent events: follows the log until the client goes or the server stops.
 *
 * @module
 */
import type { LogRecord } from "../core/format/record.ts";
import { encodeUtf8 } from "../core/base/bytes.ts";
import { ShapeWriter } from "../core/format/write_shape.ts";
import { SeglogError } from "../core/base/errors.ts";
import { boundsHeaders } from "./answers.ts";
import type { Exchange } from "./exchange.ts";
import { EVENTS_TYPE } from "./media_types.ts";
import { patience } from "./patience.ts";
import { describeFault, isServerFault, problemJson } from "./problem.ts";
import { parseOffset } from "./query.ts";
import {
  keyFilter,
  type Portion,
  portionOf,
  RANGE_PARAMETERS,
  type ReadRange,
  readRange,
} from "./read_range.ts";
import { recordChunks } from "./record_chunks.ts";
import { streamOf } from "./streaming.ts";

const RECONNECT_MS = 1000;
const PING = encodeUtf8(": ping\n\n");

/**
 * One event a record: `id` is the offset to go on from, `data` the record. The stream ends with an
 * event `end` when `until` or `limit` is reached or the server stops, or `error` with a problem.
 */
export async function readEvents(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...RANGE_PARAMETERS, "limit", "key");
  const limit = query.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const lastEventId = exchange.request.headers.get("Last-Event-ID");
  const resumeFrom = lastEventId === null ? undefined : parseOffset(lastEventId);
  const range = await readRange(exchange, query, resumeFrom);
  if (range.reverse) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot follow in reverse: events come oldest first; accept application/json to read back",
    );
  }
  const leaving = new AbortController();
  const source = events(exchange, range, { limit, filter: keyFilter(query), leaving });
  const body = streamOf(source, () => leaving.abort());
  const headers = {
    "content-type": EVENTS_TYPE,
    "cache-control": "no-store",
    ...boundsHeaders(range.bounds, undefined),
  };
  return new Response(body, { headers });
}

interface Selection {
  readonly limit: number;
  readonly filter: ((record: LogRecord) => boolean) | undefined;
  /** Aborted when the client goes. */
  readonly leaving: AbortController;
}

async function* events(
  exchange: Exchange,
  range: ReadRange,
  selection: Selection,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { request, services } = exchange;
  const { leaving } = selection;
  const ended = services.metrics.follower();
  const watching = patience([request.signal, services.stopping, leaving.signal]);
  try {
    yield encodeUtf8(`retry: ${RECONNECT_MS}\n\n`);
    yield* withPings(records(exchange, range, selection, watching.signal), services.limits.pingMs);
    const reason = services.stopping.aborted ? "stopping" : "complete";
    yield encodeUtf8(`event: end\ndata: {"reason":"${reason}"}\n\n`);
  } catch (error) {
    if (isServerFault(error)) services.notice(describeFault(error));
    yield encodeUtf8(`event: error\ndata: ${problemJson(error)}\n\n`);
  } finally {
    watching.release();
    ended();
  }
}

function records(
  exchange: Exchange,
  range: ReadRange,
  { limit, filter }: Selection,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const shapes = new ShapeWriter();
  return recordChunks(followed(exchange, range, signal), {
    limit,
    filter,
    write: (writer, record) => {
      writer.text(`id: ${record.offset + 1}\ndata: `);
      shapes.write(writer, record, range);
      writer.text("\n\n");
    },
    onSent: (count) => exchange.services.metrics.sent(count),
  });
}

async function* followed(
  { backend }: Exchange,
  range: ReadRange,
  signal: AbortSignal,
): AsyncGenerator<Portion, void, undefined> {
  const { topic, partition, from, untilAsked } = range;
  if (untilAsked !== undefined && from >= untilAsked) return;
  const open = { ...range, until: untilAsked ?? Infinity };
  const options = { partition, from, until: untilAsked, follow: true, signal };
  for await (const batch of backend.batches(topic, options)) yield portionOf(batch, open);
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

function settledWithin<Result>(promise: Promise<Result>, ms: number): Promise<Result | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
