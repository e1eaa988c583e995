/**
 * Blobs: bytes by key in one bucket, each with a tag that is made of its bytes.
 *
 * @module
 */
import { isNotFound } from "../core/base/errors.ts";
import { crc32 } from "../core/base/crc32.ts";
import type { KvEntry } from "../core/kv/kv_entry.ts";
import { wholeAnswer } from "./answers.ts";
import { parseByteRange } from "./byte_range.ts";
import { isKnown, strongTag, type WriteCondition } from "./entity_tags.ts";
import type { Exchange } from "./exchange.ts";
import { readEntry } from "./kv_read.ts";
import { conditionFailed } from "./kv_write.ts";
import { BYTES_TYPE, JSON_TYPE } from "./media_types.ts";

/** The bucket that holds blobs. */
export const BLOBS_BUCKET = "blobs";

/** The CRC-32 of a blob: 8 hexadecimal digits. */
export function blobTag(value: Uint8Array): string {
  return crc32(value).toString(16).padStart(8, "0");
}

/** A blob; `undefined` when there is none, nor a bucket of blobs. */
export async function readBlob(exchange: Exchange, key: string): Promise<KvEntry | undefined> {
  try {
    return await readEntry(exchange, { bucket: BLOBS_BUCKET, snapshot: undefined }, key);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * When a blob may be written or deleted: what the headers say of its tag, said of its revision.
 *
 * @throws {SeglogError} `condition-failed`, `invalid-argument`
 */
export async function blobCondition(exchange: Exchange, key: string): Promise<WriteCondition> {
  const wanted = strongTag(exchange.request);
  if (wanted === undefined) return {};
  if (typeof wanted !== "string") return wanted;
  const entry = await readBlob(exchange, key);
  const actual = entry === undefined ? null : blobTag(entry.value);
  if (entry === undefined || actual !== wanted) {
    throw conditionFailed({ bucket: BLOBS_BUCKET, key }, wanted, actual);
  }
  return { ifRevision: entry.revision };
}

/** A blob, or the part of it that is asked for, or 304 where the client has it. */
export function blobAnswer(request: Request, entry: KvEntry): Response {
  const { value, timestamp } = entry;
  const etag = `"${blobTag(value)}"`;
  const lastModified = new Date(timestamp).toUTCString();
  const headers = { etag, "last-modified": lastModified, "cache-control": "no-cache" };
  if (isKnown(request, etag)) return new Response(null, { status: 304, headers });
  const all = { ...headers, "accept-ranges": "bytes", "x-content-type-options": "nosniff" };
  const range = parseByteRange(rangeHeader(request, [etag, lastModified]), value.length);
  if (range === undefined) return wholeAnswer(BYTES_TYPE, value, { headers: all });
  if (range === "unsatisfiable") {
    const error = `Cannot give ${
      request.headers.get("range")?.slice(0, 80)
    }: there are ${value.length} bytes`;
    return blobError(error, {
      status: 416,
      headers: { ...headers, "content-range": `bytes */${value.length}` },
    });
  }
  const { start, end } = range;
  return wholeAnswer(BYTES_TYPE, value.subarray(start, end), {
    status: 206,
    headers: { ...all, "content-range": `bytes ${start}-${end - 1}/${value.length}` },
  });
}

/** How this API tells an error. */
export function blobError(
  error: string,
  options: { readonly status: number; readonly headers?: Readonly<Record<string, string>> },
): Response {
  return wholeAnswer(JSON_TYPE, JSON.stringify({ error }), options);
}

/** A part is of no use to who has another version of the whole: `If-Range` says which. */
function rangeHeader(request: Request, validators: readonly string[]): string | null {
  if (request.method !== "GET") return null;
  const ifRange = request.headers.get("if-range");
  if (ifRange !== null && !validators.includes(ifRange.trim())) return null;
  return request.headers.get("range");
}
