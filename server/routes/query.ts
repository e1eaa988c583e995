/**
 * Queries by SQL, and the indexes that they use.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { onTopic, RECOGNIZED } from "../access/access.ts";
import { demand } from "../access/principal.ts";
import { jsonAnswer, wholeAnswer } from "../answers.ts";
import { utf8Text } from "../append_json.ts";
import type { Exchange, Route } from "../exchange.ts";
import { JsonMembers } from "../json_members.ts";
import { SETTINGS_BYTES_MAX } from "../limits.ts";
import { lineStream } from "../line_stream.ts";
import { JSON_TYPE, NDJSON_TYPE, negotiate } from "../media_types.ts";
import { waitForWanted } from "../min_offset.ts";
import { patience } from "../patience.ts";
import { QUERY_BODY_BYTES_MAX, QUERY_ROWS_DEFAULT, QUERY_ROWS_MAX } from "../query/limits.ts";
import type { QueryAnswer, QueryAsk } from "../query/queries.ts";
import { jsonLines, wholeJson } from "../query/query_answer.ts";
import { parseQueryBody } from "../query/query_body.ts";

const INDEXES = "/v1/topics/:topic/indexes";

/** The routes of queries. */
export const QUERY_ROUTES: readonly Route[] = [
  { method: "POST", path: "/v1/query", access: RECOGNIZED, work: "read", handle: query },
  { method: "GET", path: INDEXES, access: onTopic("consume"), handle: listIndexes },
  { method: "POST", path: INDEXES, access: onTopic("admin"), handle: addIndex },
  { method: "DELETE", path: INDEXES, access: onTopic("admin"), handle: removeIndex },
];

async function query(exchange: Exchange): Promise<Response> {
  const startMs = performance.now();
  const { request } = exchange;
  exchange.query();
  const type = negotiate(request, [JSON_TYPE, NDJSON_TYPE]);
  const rowsDefault = type === JSON_TYPE ? QUERY_ROWS_DEFAULT : QUERY_ROWS_MAX;
  const { ask, minOffsets } = await exchange.body(
    QUERY_BODY_BYTES_MAX,
    (body) => parseQueryBody(utf8Text(body), rowsDefault),
  );
  const waiting = patience([request.signal, exchange.services.stopping, exchange.visitor.ended]);
  try {
    await Promise.all(minOffsets.map(({ topic, partition, minOffset }) => {
      const wanted = { minOffset, minOffsetWaitMs: ask.timeoutMs };
      return waitForWanted(exchange, { topic, partition }, wanted);
    }));
    const answer = await started(exchange, ask, waiting.signal);
    if (type === JSON_TYPE) return wholeAnswer(JSON_TYPE, await wholeJson(answer, startMs));
    const isWhole = ask.rowsMax === QUERY_ROWS_MAX;
    return await lineStream(exchange, released(jsonLines(answer, isWhole), waiting.release));
  } catch (error) {
    waiting.release();
    throw waiting.signal.aborted && !(error instanceof SeglogError) ? gone() : error;
  }
}

/** What is answered counts as read; what the view takes in does not. */
async function started(
  { tenant, principal }: Exchange,
  ask: QueryAsk,
  signal: AbortSignal,
): Promise<QueryAnswer> {
  tenant.quota.checkBytes();
  const { columns, rows } = await tenant.queries.start(ask, {
    demand: (topic) => demand(principal, "consume", topic),
    signal,
  });
  return { columns, rows: counted(rows, (bytes) => tenant.quota.takeBytes(bytes)) };
}

async function* counted(
  rows: QueryAnswer["rows"],
  count: (bytes: number) => void,
): QueryAnswer["rows"] {
  try {
    for (;;) {
      const { done, value } = await rows.next();
      if (done) return value;
      count(value.length);
      yield value;
    }
  } finally {
    await rows.return(NOTHING);
  }
}

/** Of a query that is ended before its rows are. */
const NOTHING = { rows: 0, isTruncated: true, offsets: {} };

/** Lets go of what the answer waited with when it is over. */
async function* released(
  lines: AsyncGenerator<Uint8Array, void, undefined>,
  release: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* lines;
  } finally {
    release();
  }
}

/** Nobody waits for the answer any more, or the server stops. */
function gone(): SeglogError {
  return new SeglogError("closed", "Cannot answer the query: the server stops");
}

async function listIndexes(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenant, topic } = exchange;
  return jsonAnswer({ topic, indexes: await tenant.queries.views.indexes(topic) });
}

async function addIndex(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenant, topic } = exchange;
  const path = await exchange.body(
    SETTINGS_BYTES_MAX,
    (body) => JsonMembers.parse(utf8Text(body)).only("path").text("path"),
  );
  return jsonAnswer({ topic, indexes: await tenant.queries.views.addIndex(topic, path) });
}

async function removeIndex(exchange: Exchange): Promise<Response> {
  const path = exchange.query("path").text("path");
  if (path === undefined) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot remove an index: give the parameter path, such as path=%24.user.id",
    );
  }
  const { tenant, topic } = exchange;
  return jsonAnswer({ topic, indexes: await tenant.queries.views.removeIndex(topic, path) });
}
