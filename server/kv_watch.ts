/**
 * Changes of a bucket as server-sent events.
 *
 * @module
 */
import { ByteWriter } from "../core/base/bytes.ts";
import { outOfRange } from "../core/base/offset_errors.ts";
import { rangeOf } from "../core/kv/kv_snapshot.ts";
import { EntryWriter } from "./entry_text.ts";
import { eventStream } from "./event_stream.ts";
import type { Exchange } from "./exchange.ts";
import { changesOf } from "./kv_read.ts";
import { bucketKey, pathBucket } from "./path_key.ts";
import { parseOffset, type Query } from "./query.ts";

/** Which keys to watch: one, or all with a prefix. */
type Watched = string | { readonly prefix: string };

/** All keys, or those with a prefix. */
export async function watchBucket(exchange: Exchange): Promise<Response> {
  const query = exchange.query("prefix", "from");
  const watched = { prefix: query.text("prefix") ?? "" };
  rangeOf(watched);
  return await watch(exchange, query, watched);
}

/** One key. */
export async function watchKey(exchange: Exchange): Promise<Response> {
  return await watch(exchange, exchange.query("from"), bucketKey(exchange));
}

/**
 * One event a change, from a revision on, or of what comes from now on: its name is `set` or
 * `delete`, its `id` the revision to go on from.
 *
 * @throws {SeglogError} `not-found`, `invalid-argument`; `offset-out-of-range` for a revision that
 * is not there any more, or will not be the next
 */
async function watch(exchange: Exchange, query: Query, watched: Watched): Promise<Response> {
  const bucket = pathBucket(exchange);
  const { backend, request } = exchange;
  const { buckets } = exchange.tenant;
  const asked = request.headers.get("Last-Event-ID") ?? query.text("from");
  const asOf = asked === undefined ? undefined : parseOffset(asked);
  const from = await buckets.use(bucket, { create: false }, async (kv) => {
    if (asOf === undefined) return kv.revision + 1;
    const bounds = await backend.bounds(bucket);
    if (asOf < bounds.logStartOffset || asOf > bounds.nextOffset) {
      throw outOfRange(`"${bucket}"`, asOf, bounds);
    }
    return asOf;
  });
  return eventStream(exchange, {
    headers: { "seglog-revision": String(from - 1) },
    events: (signal) => changes(exchange, { bucket, watched, from, signal }),
  });
}

async function* changes(
  { services, tenant }: Exchange,
  { bucket, watched, from, signal }: {
    bucket: string;
    watched: Watched;
    from: number;
    signal: AbortSignal;
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { kv, release } = await tenant.buckets.hold(bucket, { create: false });
  const text = new ByteWriter();
  const entries = new EntryWriter();
  try {
    for await (const change of changesOf(tenant, kv, { watched, from, signal })) {
      text.text(`id: ${change.revision + 1}\nevent: ${change.kind}\ndata: `);
      entries.change(text, change);
      text.text("\n\n");
      services.metrics.sent(1);
      yield text.take();
    }
  } finally {
    release();
  }
}
