/**
 * Bearer tokens: how they are made, and what is kept of them.
 *
 * A token is `seglog_ID_SECRET`: 12 hexadecimal digits by which it is found, and 256 random bits.
 * Only the SHA-256 of the secret is kept: a secret with so many bits needs no slow hash.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const TOKEN = /^seglog_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/** A token, taken apart. */
export interface TokenParts {
  readonly id: string;
  readonly secret: string;
}

/** The name of a new credential. */
export function newId(): string {
  return randomBytes(ID_BYTES).toString("hex");
}

/** A new token, and what is kept of it. */
export function newToken(id: string): { readonly token: string; readonly hash: string } {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  return { token: `seglog_${id}_${secret}`, hash: hashOf(secret).toString("hex") };
}

/** The parts of a token; `undefined` for what is none. */
export function parseToken(text: string): TokenParts | undefined {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** Whether a secret is the one whose hash is kept; how long that takes tells nothing. */
export function isSecretOf(hash: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(hash, "hex"), hashOf(secret));
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
