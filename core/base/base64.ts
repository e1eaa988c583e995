/**
 * Base64 (RFC 4648, section 4), strictly: what is not exactly that is refused.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const NOT_IN_ALPHABET = /[^A-Za-z0-9+/]/;

/** The base64 text of `bytes`, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** The bytes of padded base64 text of any length; `undefined` when it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  if (text.length % 4 !== 0) return undefined;
  if (NOT_IN_ALPHABET.test(text.slice(0, text.length - padding))) return undefined;
  return Buffer.from(text, "base64");
}
