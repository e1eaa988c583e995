/**
 * Keys in paths.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { keyBytes } from "../core/kv/kv_key.ts";
import type { Exchange } from "./exchange.ts";
import { decodePercent } from "./query.ts";

/**
 * The key that a path ends with: all of it from a segment on, decoded. A slash may be encoded or
 * not. URL libraries take `.` and `..` away, encoded or not: these two keys are written `.;` and
 * `..;`.
 *
 * @throws {SeglogError} `invalid-argument` for bad encoding; as `keyBytes`
 */
export function pathKey(exchange: Exchange, index: number): string {
  const raw = exchange.rest(index);
  const key = raw === ".;" || raw === "..;" ? raw.slice(0, -1) : decodePercent(raw);
  keyBytes(key);
  return key;
}

/** The bucket of `/v1/kv/{bucket}/…`, written as a topic. */
export function pathBucket(exchange: Exchange): string {
  return exchange.topic;
}

/**
 * The key of `/v1/kv/{bucket}/{key}`. Two segments of which the first is `snapshots` are a snapshot;
 * that key has its slash encoded.
 *
 * @throws {SeglogError} as {@linkcode pathKey}; `method-not-allowed` for a snapshot
 */
export function bucketKey(exchange: Exchange): string {
  const raw = exchange.rest(4);
  if (/^snapshots\/[^/]+$/.test(raw)) {
    throw new SeglogError(
      "method-not-allowed",
      `Cannot ${exchange.request.method} a snapshot: this path takes GET, HEAD, POST, DELETE; ` +
        "the key is written with %2F for the slash",
      { details: { allow: "GET, HEAD, POST, DELETE" } },
    );
  }
  return pathKey(exchange, 4);
}
