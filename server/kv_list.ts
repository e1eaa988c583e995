/**
 * Keys in order: a page of them as JSON, or all of them as lines.
 *
 * @module
 */
import { ByteWriter, compareBytes, decodeUtf8, encodeUtf8 } from "../core/base/bytes.ts";
import { keyBehind, type KvListOptions, type KvSnapshot, rangeOf } from "../core/kv/kv_snapshot.ts";
import { wholeAnswer } from "./answers.ts";
import { EntryWriter } from "./entry_text.ts";
import type { Exchange } from "./exchange.ts";
import { type BucketPlace, entriesOf, momentOf } from "./kv_read.ts";
import { CHUNK_BYTES, KV_PAGE_KEYS_DEFAULT, KV_PAGE_KEYS_MAX, PAGE_BYTES_MAX } from "./limits.ts";
import { lineStream } from "./line_stream.ts";
import { JSON_TYPE } from "./media_types.ts";
import {
  MIN_REVISION_PARAMETERS,
  waitForRevision,
  type WantedRevision,
  wantedRevision,
} from "./min_offset.ts";
import { pathBucket } from "./path_key.ts";
import type { Query } from "./query.ts";
import type { TenantServices } from "./tenant_services.ts";

const PARAMETERS = [
  "prefix",
  "start",
  "end",
  "after",
  "limit",
  "reverse",
  "keys",
  "snapshot",
  ...MIN_REVISION_PARAMETERS,
] as const;

/** Keys that are looked up in memory at a time. */
const LOOKED_UP_KEYS = 256;

/** Which keys a request is about. */
interface Listing {
  readonly place: BucketPlace;
  readonly options: KvListOptions;
  readonly withValues: boolean;
  readonly wanted: WantedRevision;
}

/** One key, as text, and how to go on behind it. */
interface Listed {
  readonly key: string;
  /** Writes it, with its value where that is wanted. */
  write(sink: ByteWriter): void;
}

/** At most `limit` keys, fewer where their values are large; `next` is null where no more are. */
export async function listPage(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...PARAMETERS);
  const limit = query.whole("limit", 1, KV_PAGE_KEYS_MAX) ?? KV_PAGE_KEYS_DEFAULT;
  const listing = listingOf(exchange, query, limit + 1);
  await waitForRevision(exchange, listing.place, listing.wanted);
  const { snapshot, release } = await momentOf(exchange, listing.place);
  const body = new ByteWriter();
  let count = 0;
  let next: string | null = null;
  try {
    const { bucket } = listing.place;
    body.text(`{"bucket":${JSON.stringify(bucket)},"revision":${snapshot.revision},"entries":[`);
    let last = "";
    for await (const { key, write } of listed(exchange.tenant, snapshot, listing)) {
      const { length } = body;
      if (count > 0) body.text(",");
      if (count < limit) write(body);
      if (count === limit || (count > 0 && body.length > PAGE_BYTES_MAX)) {
        body.truncate(length);
        next = last;
        break;
      }
      last = key;
      count++;
    }
  } finally {
    release();
  }
  body.text(`],"next":${JSON.stringify(next)}}`);
  exchange.services.metrics.sent(listing.withValues ? count : 0);
  return wholeAnswer(JSON_TYPE, body.subarray(0, body.length));
}

/** All keys, or as many as `limit` says, a line each, as of one revision. */
export async function listLines(exchange: Exchange): Promise<Response> {
  const query = exchange.query(...PARAMETERS);
  const limit = query.whole("limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const listing = listingOf(exchange, query, limit);
  await waitForRevision(exchange, listing.place, listing.wanted);
  const { snapshot, release } = await momentOf(exchange, listing.place);
  const headers = { "seglog-revision": String(snapshot.revision) };
  return await lineStream(exchange, linesOf(exchange, listing, { snapshot, release }), headers);
}

async function* linesOf(
  { services, tenant, request: { signal } }: Exchange,
  listing: Listing,
  { snapshot, release }: { snapshot: KvSnapshot; release(): void },
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = new ByteWriter();
  let count = 0;
  try {
    for await (const { write } of listed(tenant, snapshot, { ...listing, signal })) {
      write(chunk);
      chunk.text("\n");
      count++;
      if (chunk.length >= CHUNK_BYTES) yield chunk.take();
    }
    if (chunk.length > 0) yield chunk.take();
  } finally {
    release();
    services.metrics.sent(listing.withValues ? count : 0);
  }
}

function listingOf(exchange: Exchange, query: Query, limit: number): Listing {
  const options = { ...rangeOptions(query), limit };
  rangeOf(options); // says what is wrong with them before anything is opened
  return {
    place: { bucket: pathBucket(exchange), snapshot: query.text("snapshot") },
    options,
    withValues: !query.flag("keys"),
    wanted: wantedRevision(query),
  };
}

/** The range of a query with `prefix`, `start`, `end`, `after` and `reverse`, as far as it has them. */
export function rangeOptions(query: Query): KvListOptions {
  return rangeBehind({
    reverse: query.flag("reverse"),
    prefix: query.text("prefix"),
    after: query.text("after"),
    start: query.text("start"),
    end: query.text("end"),
  });
}

/** A range of keys, of which only those behind `after` are left, in its direction. */
export function rangeBehind(
  { reverse, prefix, after, start, end }:
    & { readonly reverse: boolean }
    & { readonly [Name in "prefix" | "after" | "start" | "end"]: string | undefined },
): KvListOptions {
  if (after !== undefined && reverse) end = end === undefined ? after : first(end, after);
  if (after !== undefined && !reverse) {
    const behind = decodeUtf8(keyBehind(encodeUtf8(after)));
    start = start === undefined || first(start, behind) === start ? behind : start;
  }
  return {
    reverse,
    ...prefix === undefined ? {} : { prefix },
    ...start === undefined ? {} : { start },
    ...end === undefined ? {} : { end },
  };
}

function first(a: string, b: string): string {
  return compareBytes(encodeUtf8(a), encodeUtf8(b)) < 0 ? a : b;
}

async function* listed(
  tenant: TenantServices,
  snapshot: KvSnapshot,
  { options, withValues, signal }: Pick<Listing, "options" | "withValues"> & {
    readonly signal?: AbortSignal;
  },
): AsyncGenerator<Listed, void, undefined> {
  if (withValues) {
    const writer = new EntryWriter();
    for await (const entry of entriesOf(tenant, snapshot, { ...options, signal })) {
      yield { key: entry.key, write: (sink) => writer.entry(sink, entry) };
    }
    return;
  }
  for (const { key, revision } of keysOf(snapshot, options)) {
    const text = `{"key":${JSON.stringify(key)},"revision":${revision}}`;
    yield { key, write: (sink) => sink.text(text) };
  }
}

/** A key, and what the memory knows of its value. */
export interface KnownKey {
  readonly key: string;
  readonly revision: number;
  readonly valueBytes: number;
}

/** Keys without their values, in order; others may write meanwhile. */
export function* keysOf(
  snapshot: KvSnapshot,
  options: KvListOptions,
): Generator<KnownKey, void, undefined> {
  let range = rangeOf(options);
  for (let left = options.limit ?? Infinity; left > 0;) {
    const page: KnownKey[] = [];
    let lastKey: Uint8Array | undefined;
    for (const { key, revision, valueBytes } of snapshot.indexed(range)) {
      lastKey = key.slice();
      page.push({ key: decodeUtf8(key), revision, valueBytes });
      if (page.length === Math.min(left, LOOKED_UP_KEYS)) break;
    }
    if (lastKey === undefined) return;
    yield* page;
    left -= page.length;
    range = range.reverse ? { ...range, end: lastKey } : { ...range, start: keyBehind(lastKey) };
  }
}
