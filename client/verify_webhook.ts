/**
 * What a receiver of webhooks does first: it makes sure that they are from who has the secret.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import { encodeUtf8 } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { webhookSecret, webhookSignature } from "../core/base/webhook_signature.ts";

/** How far the time of a webhook may be from ours, unless said: five minutes. */
const TOLERANCE_MS = 5 * 60_000;
const SECONDS = /^\d{1,12}$/;

/** A webhook as it came. */
export interface ReceivedWebhook {
  /** Its headers: as `fetch` has them, or as Node's server has them. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Its body as it came, before anything has parsed it. */
  readonly body: Uint8Array | string;
}

/** How to verify. */
export interface VerifyWebhookOptions {
  /** How old it may be, or how far ahead; five minutes unless given. Older ones may be replayed. */
  readonly toleranceMs?: number;
  /** The time; that of the machine unless given. */
  readonly nowMs?: number;
}

/**
 * Verifies that a webhook was sent by who has the secret, to us, and lately. It may still be one that
 * came before: the same `webhook-id` then comes again, and the same partition and offsets in it.
 *
 * @param secret as it was shown when the webhook was made: `whsec_…`
 * @returns its id, and when it was sent
 * @throws {SeglogError} `unauthenticated` when it was not; `invalid-argument` for what is no secret
 *
 * @example
 * ```ts
 * import { createHmac } from "node:crypto";
 * import { verifyWebhook } from "seglog";
 *
 * const key = new Uint8Array(32);
 * const secret = `whsec_${btoa(String.fromCharCode(...key))}`; // as the server showed it
 * const body = '[{"topic":"orders","partition":0,"offset":41,"value":"hello"}]';
 * const timestamp = String(Math.floor(Date.now() / 1000));
 * const signature = createHmac("sha256", key).update(`msg_1.${timestamp}.${body}`).digest("base64");
 * const headers = {
 *   "webhook-id": "msg_1",
 *   "webhook-timestamp": timestamp,
 *   "webhook-signature": `v1,${signature}`,
 * };
 * console.assert(verifyWebhook(secret, { headers, body }).id === "msg_1");
 * ```
 */
export function verifyWebhook(
  secret: string,
  { headers, body }: ReceivedWebhook,
  { toleranceMs = TOLERANCE_MS, nowMs = Date.now() }: VerifyWebhookOptions = {},
): { readonly id: string; readonly timestampMs: number } {
  const key = webhookSecret(secret);
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"]
    .map((name) => headerOf(headers, `webhook-${name}`)) as [string, string, string];
  if (!SECONDS.test(timestamp)) throw refused("webhook-timestamp is no time");
  const timestampMs = Number(timestamp) * 1000;
  const message = {
    id,
    timestamp: Number(timestamp),
    body: typeof body === "string" ? encodeUtf8(body) : body,
  };
  const expected = encodeUtf8(webhookSignature(key, message));
  // All are looked at: a secret that is being changed signs with both.
  const isSigned = signatures.split(" ").map((text) => isSame(encodeUtf8(text), expected))
    .includes(true);
  if (!isSigned) throw refused("it is not signed with this secret, or was changed on its way");
  if (Math.abs(nowMs - timestampMs) > toleranceMs) {
    throw refused("it was sent too long ago, or the clocks differ");
  }
  return { id, timestampMs };
}

/** In a time that does not tell where they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function headerOf(headers: ReceivedWebhook["headers"], name: string): string {
  const value = headers instanceof Headers ? headers.get(name) : headers[name];
  if (typeof value === "string" && value !== "") return value;
  throw refused(`the header ${name} is missing`);
}

function refused(why: string): SeglogError {
  return new SeglogError("unauthenticated", `Cannot trust the webhook: ${why}; do not use it`);
}
