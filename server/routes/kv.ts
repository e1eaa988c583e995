/**
 * Keys and values: single keys, their order, their changes, transactions and snapshots.
 *
 * @module
 */
import { onTopic } from "../access/access.ts";
import { demand } from "../access/principal.ts";
import { jsonAnswer, wholeAnswer } from "../answers.ts";
import { utf8Text } from "../append_json.ts";
import { refuseIfAbsent, revisionCondition, revisionTag } from "../entity_tags.ts";
import type { Exchange, Handler, Route } from "../exchange.ts";
import { listLines, listPage } from "../kv_list.ts";
import { noValue, readEntry } from "../kv_read.ts";
import { runTx } from "../kv_tx.ts";
import { parseTx } from "../kv_tx_body.ts";
import { checkedValue, valueAnswer, valueTypeOf } from "../kv_value.ts";
import { watchBucket, watchKey } from "../kv_watch.ts";
import { deleteKey, setKey } from "../kv_write.ts";
import { JSON_BODY_BYTES_MAX, KV_VALUE_BYTES_MAX } from "../limits.ts";
import {
  contentTypeOf,
  EVENTS_TYPE,
  JSON_TYPE,
  NDJSON_TYPE,
  negotiate,
  prefers,
  unsupportedType,
} from "../media_types.ts";
import { MIN_REVISION_PARAMETERS, waitForRevision, wantedRevision } from "../min_offset.ts";
import { bucketKey, pathBucket } from "../path_key.ts";
import { KV_SNAPSHOT_ROUTES } from "./kv_snapshots.ts";

/** The routes of buckets. Snapshots come first: what is no snapshot is a key. */
export const KV_ROUTES: readonly Route[] = [
  ...KV_SNAPSHOT_ROUTES,
  // Some only read.
  {
    method: "POST",
    path: "/v1/kv/:bucket/tx",
    access: onTopic("consume"),
    work: "either",
    handle: transact,
  },
  { method: "GET", path: "/v1/kv/:bucket", access: onTopic("consume"), handle: list },
  { method: "GET", path: "/v1/kv/:bucket/:key+", access: onTopic("consume"), handle: readKey },
  { method: "PUT", path: "/v1/kv/:bucket/:key+", access: onTopic("produce"), handle: writeKey },
  { method: "DELETE", path: "/v1/kv/:bucket/:key+", access: onTopic("produce"), handle: removeKey },
];

const OFFERED = [JSON_TYPE, NDJSON_TYPE, EVENTS_TYPE] as const;

const LISTS: { readonly [Type in typeof OFFERED[number]]: Handler } = {
  [JSON_TYPE]: listPage,
  [NDJSON_TYPE]: listLines,
  [EVENTS_TYPE]: watchBucket,
};

function list(exchange: Exchange): Response | Promise<Response> {
  return LISTS[negotiate(exchange.request, OFFERED)](exchange);
}

/** The value as it is, whatever is accepted, but for events: a value has one type. */
async function readKey(exchange: Exchange): Promise<Response> {
  const { request, services } = exchange;
  if (prefers(request, EVENTS_TYPE)) return await watchKey(exchange);
  const bucket = pathBucket(exchange);
  const key = bucketKey(exchange);
  const query = exchange.query("snapshot", "revision", ...MIN_REVISION_PARAMETERS);
  const snapshot = query.text("snapshot");
  const revision = query.whole("revision", 0, Number.MAX_SAFE_INTEGER);
  const place = { bucket, snapshot, revision };
  await waitForRevision(exchange, place, wantedRevision(query));
  const entry = await readEntry(exchange, place, key);
  if (entry === undefined) throw noValue(bucket, key);
  services.metrics.sent(1);
  return valueAnswer(request, entry);
}

function writeKey(exchange: Exchange): Promise<Response> {
  const { request, services } = exchange;
  exchange.query();
  const place = { bucket: pathBucket(exchange), key: bucketKey(exchange) };
  const condition = revisionCondition(request);
  const type = valueTypeOf(request);
  return exchange.body(KV_VALUE_BYTES_MAX, async (body) => {
    const value = checkedValue(body, type);
    const { revision, isNew } = await setKey(exchange.tenant, place, { value, condition });
    services.metrics.appended(1);
    const headers = { etag: revisionTag(revision) };
    return jsonAnswer({ ...place, revision }, { status: isNew ? 201 : 200, headers });
  });
}

async function removeKey(exchange: Exchange): Promise<Response> {
  const { request, services } = exchange;
  exchange.query();
  const place = { bucket: pathBucket(exchange), key: bucketKey(exchange) };
  const condition = revisionCondition(request);
  refuseIfAbsent(condition);
  const revision = await deleteKey(exchange.tenant, place, condition);
  if (revision === undefined) throw noValue(place.bucket, place.key);
  services.metrics.appended(1);
  return jsonAnswer({ ...place, revision });
}

/** A page in a browser can send plain text anywhere, so only JSON that says so changes anything. */
function transact(exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  exchange.query();
  const bucket = pathBucket(exchange);
  const type = contentTypeOf(request);
  if (type !== JSON_TYPE) throw unsupportedType(type, [JSON_TYPE]);
  return exchange.body(JSON_BODY_BYTES_MAX, async (body) => {
    const tx = parseTx(utf8Text(body));
    if (tx.operations.some(({ op }) => op !== "get")) demand(exchange.principal, "produce", bucket);
    return wholeAnswer(JSON_TYPE, await runTx(exchange, bucket, tx));
  });
}
