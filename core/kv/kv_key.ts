/**
 * What a key of a bucket may be: text of 1 byte to 1 KiB of UTF-8. Keys are in order by these bytes,
 * which is the order of their code points.
 *
 * @module
 */
import { encodeUtf8, isValidUtf8 } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import { KV_KEY_BYTES_MAX } from "../base/limits.ts";

/** The partition that holds a bucket: one order for all of its keys. */
export const BUCKET_PARTITION = 0;

/** The bytes of a key. @throws {SeglogError} `invalid-argument` */
export function keyBytes(key: string): Uint8Array {
  if (typeof key !== "string" || key === "") {
    throw new SeglogError("invalid-argument", "Cannot use an empty key: give at least a character");
  }
  if (!key.isWellFormed()) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot use the key ${
        JSON.stringify(key.slice(0, 80))
      }: half of a pair of surrogates has no UTF-8`,
    );
  }
  const bytes = encodeUtf8(key);
  if (bytes.length <= KV_KEY_BYTES_MAX) return bytes;
  throw new SeglogError(
    "too-large",
    `Cannot use a key of ${bytes.length} bytes (${
      JSON.stringify(key.slice(0, 40))
    }…): ${KV_KEY_BYTES_MAX} are the most`,
    { details: { limit: KV_KEY_BYTES_MAX } },
  );
}

/** Whether the key of a record is one of a bucket: a topic may hold other records, too. */
export function isKey(key: Uint8Array | null): key is Uint8Array {
  return key !== null && key.length > 0 && key.length <= KV_KEY_BYTES_MAX && isValidUtf8(key);
}

/**
 * The first bytes behind all keys with a prefix; `undefined` when nothing is.
 *
 * No byte of UTF-8 is 0xff, so the last byte can always be raised.
 */
export function behindPrefix(prefix: string): Uint8Array | undefined {
  if (prefix === "") return undefined;
  const bytes = encodeUtf8(prefix);
  bytes[bytes.length - 1]!++;
  return bytes;
}
