/**
 * The small blob API: bytes by key. Its errors are `{"error":"…"}`.
 *
 * @module
 */
import { onThis } from "../access/access.ts";
import { isNotFound } from "../../core/base/errors.ts";
import { rangeOf } from "../../core/kv/kv_snapshot.ts";
import type { Scope } from "../access/grant.ts";
import { jsonAnswer } from "../answers.ts";
import { blobAnswer, blobCondition, blobError, BLOBS_BUCKET, blobTag, readBlob } from "../blobs.ts";
import { refuseIfAbsent } from "../entity_tags.ts";
import type { Exchange, Route } from "../exchange.ts";
import { keysOf, rangeOptions } from "../kv_list.ts";
import { momentOf, noValue } from "../kv_read.ts";
import { deleteKey, setKey } from "../kv_write.ts";
import { KV_PAGE_KEYS_DEFAULT, KV_PAGE_KEYS_MAX, KV_VALUE_BYTES_MAX } from "../limits.ts";
import { pathKey } from "../path_key.ts";
import { type ProblemOptions, problemParts, toldError } from "../problem.ts";

const KEY_INDEX = 2;

const onBlobs = (scope: Scope) => onThis(scope, () => BLOBS_BUCKET);

/** The routes of blobs. */
export const BLOB_ROUTES: readonly Route[] = ([
  { method: "GET", path: "/blobs", access: onBlobs("consume"), handle: list },
  { method: "GET", path: "/blobs/:key+", access: onBlobs("consume"), handle: read },
  { method: "POST", path: "/blobs/:key+", access: onBlobs("produce"), handle: write },
  { method: "PUT", path: "/blobs/:key+", access: onBlobs("produce"), handle: write },
  { method: "DELETE", path: "/blobs/:key+", access: onBlobs("produce"), handle: remove },
] satisfies Route[]).map((route) => ({ ...route, tell }));

/** As a problem would be told, in another body. */
function tell(error: unknown, options: ProblemOptions): Response {
  const { status, headers: { "content-type": _, ...headers } } = problemParts(error, options);
  return blobError(toldError(error).message, { status, headers });
}

async function read(exchange: Exchange): Promise<Response> {
  exchange.query();
  const key = pathKey(exchange, KEY_INDEX);
  const entry = await readBlob(exchange, key);
  if (entry === undefined) throw noValue(BLOBS_BUCKET, key);
  exchange.services.metrics.sent(1);
  return blobAnswer(exchange.request, entry);
}

function write(exchange: Exchange): Promise<Response> {
  const { services } = exchange;
  exchange.query();
  const key = pathKey(exchange, KEY_INDEX);
  const { volumeId } = services;
  return exchange.body(KV_VALUE_BYTES_MAX, async (value) => {
    const condition = await blobCondition(exchange, key);
    await setKey(exchange.tenant, { bucket: BLOBS_BUCKET, key }, { value, condition });
    services.metrics.appended(1);
    const etag = blobTag(value);
    return jsonAnswer({ key, etag, size: value.length, volume_id: volumeId }, {
      status: 201,
      headers: { etag: `"${etag}"` },
    });
  });
}

async function remove(exchange: Exchange): Promise<Response> {
  exchange.query();
  const key = pathKey(exchange, KEY_INDEX);
  const condition = await blobCondition(exchange, key);
  refuseIfAbsent(condition);
  const place = { bucket: BLOBS_BUCKET, key };
  const revision = await deleteKey(exchange.tenant, place, condition);
  if (revision === undefined) throw noValue(BLOBS_BUCKET, key);
  exchange.services.metrics.appended(1);
  return new Response(null, { status: 204 });
}

/** A page of keys with their sizes, from memory. Where there is no bucket there are no blobs. */
async function list(exchange: Exchange): Promise<Response> {
  const query = exchange.query("prefix", "after", "limit");
  const limit = query.whole("limit", 1, KV_PAGE_KEYS_MAX) ?? KV_PAGE_KEYS_DEFAULT;
  const options = { ...rangeOptions(query), limit: limit + 1 };
  rangeOf(options);
  const found = await knownBlobs(exchange, options);
  const page = found.slice(0, limit);
  const next = found.length > limit ? page.at(-1)!.key : null;
  return jsonAnswer({ blobs: page, next });
}

async function knownBlobs(
  exchange: Exchange,
  options: Parameters<typeof keysOf>[1],
): Promise<{ key: string; size: number }[]> {
  try {
    const { snapshot, release } = await momentOf(exchange, {
      bucket: BLOBS_BUCKET,
      snapshot: undefined,
    });
    try {
      return [...keysOf(snapshot, options)].map(({ key, valueBytes }) => ({
        key,
        size: valueBytes,
      }));
    } finally {
      release();
    }
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
