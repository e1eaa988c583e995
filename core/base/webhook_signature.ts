/**
 * Signatures of webhooks as the Standard Webhooks specification has them: HMAC-SHA256 of the id, the
 * time and the body, by a secret that the sender and the receiver share.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { SeglogError } from "./errors.ts";

/** What a secret begins with, as it is shown. */
export const SECRET_PREFIX = "whsec_";
/** What a signature of this kind begins with. */
const SIGNATURE_PREFIX = "v1,";
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;

/** What is signed. */
export interface SignedMessage {
  /** The header `webhook-id`. */
  readonly id: string;
  /** The header `webhook-timestamp`: seconds since 1970. */
  readonly timestamp: number;
  /** The body as it is sent. */
  readonly body: Uint8Array;
}

/** The bytes of a secret. @throws {SeglogError} `invalid-argument` */
export function webhookSecret(text: string): Uint8Array {
  const bytes = text.startsWith(SECRET_PREFIX)
    ? decodeBase64(text.slice(SECRET_PREFIX.length))
    : undefined;
  if (
    bytes !== undefined && bytes.length >= SECRET_BYTES_MIN && bytes.length <= SECRET_BYTES_MAX
  ) return bytes;
  throw new SeglogError( // and never the secret itself
    "invalid-argument",
    `Cannot use the secret: it is ${SECRET_PREFIX} and the base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`,
  );
}

/** A signature as the header `webhook-signature` has it. */
export function webhookSignature(secret: Uint8Array, message: SignedMessage): string {
  const hmac = createHmac("sha256", secret);
  hmac.update(`${message.id}.${message.timestamp}.`).update(message.body);
  return SIGNATURE_PREFIX + encodeBase64(hmac.digest());
}
