/**
 * Values of keys as bodies: what they are, their media type says.
 *
 * @module
 */
import { decodeUtf8, isValidUtf8 } from "../core/base/bytes.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { ValueType } from "../core/format/record.ts";
import type { KvEntry } from "../core/kv/kv_entry.ts";
import { wholeAnswer } from "./answers.ts";
import { isKnown, revisionTag } from "./entity_tags.ts";
import { BYTES_TYPE, contentTypeOf, JSON_TYPE, TEXT_TYPE } from "./media_types.ts";

const MEDIA_TYPES: Readonly<Record<ValueType, string>> = {
  json: JSON_TYPE,
  text: `${TEXT_TYPE}; charset=utf-8`,
  bytes: BYTES_TYPE,
};

/** What a value is, by the type of the body that it came as. */
export function valueTypeOf(request: Request): ValueType {
  const type = contentTypeOf(request);
  if (type === JSON_TYPE) return "json";
  return type === TEXT_TYPE ? "text" : "bytes";
}

/** A body that is to be a value. @throws {SeglogError} `invalid-argument` when it is not of its type */
export function checkedValue(
  value: Uint8Array,
  type: ValueType,
): { readonly value: Uint8Array; readonly type: ValueType } {
  if (type === "bytes") return { value, type };
  if (!isValidUtf8(value)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot take the body as ${type}: it is not UTF-8; send it as application/octet-stream`,
    );
  }
  if (type === "json") checkJson(decodeUtf8(value));
  return { value, type };
}

/** A value as it is, or 304 where the client has it. */
export function valueAnswer(request: Request, entry: KvEntry): Response {
  const tag = revisionTag(entry.revision);
  const headers = {
    etag: tag,
    "last-modified": new Date(entry.timestamp).toUTCString(),
    "seglog-revision": String(entry.revision),
    "cache-control": "no-cache", // it may be kept, and is asked for again
  };
  if (isKnown(request, tag)) return new Response(null, { status: 304, headers });
  return wholeAnswer(MEDIA_TYPES[entry.type], entry.value, {
    headers: { ...headers, "x-content-type-options": "nosniff" },
  });
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new SeglogError("invalid-argument", `Cannot take the body as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}
