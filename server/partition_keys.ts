/**
 * The topic that a partition key of the small publish/read API names.
 *
 * A key that can be the name of a topic is the name of its topic: what is published for `orders`
 * is read with every other means as the topic `orders`. Other keys are written as
 * `key~` and the key percent-encoded, or, where that is too long for a name, `key#` and the
 * SHA-256 of the key. Keys that start with either of these are written so, too: two keys never
 * share a topic.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { utf8Length } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { TOPIC_NAME_BYTES_MAX } from "../core/base/limits.ts";

/** The partition key of a publish or a read that names none. */
export const DEFAULT_PARTITION_KEY = "default";

const ENCODED = "key~";
const HASHED = "key#";
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** @throws {SeglogError} `invalid-argument` for a key that is not valid Unicode */
export function topicOfPartitionKey(key: string): string {
  if (!key.isWellFormed()) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot use the partition key: it has half of a surrogate pair, which is not Unicode text",
    );
  }
  if (isPlainName(key)) return key;
  const encoded = ENCODED + encodeURIComponent(key);
  if (utf8Length(encoded) <= TOPIC_NAME_BYTES_MAX) return encoded;
  return HASHED + createHash("sha256").update(key).digest("hex");
}

function isPlainName(key: string): boolean {
  const length = utf8Length(key);
  const isEscape = key.startsWith(ENCODED) || key.startsWith(HASHED);
  // Internal topics start with two underscores; URLs cannot carry dots alone.
  const isReserved = key.startsWith("__") || key === "." || key === "..";
  return length >= 1 && length <= TOPIC_NAME_BYTES_MAX && !isEscape && !isReserved &&
    !CONTROL.test(key);
}
