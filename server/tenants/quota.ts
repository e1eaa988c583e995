/**
 * How much a tenant may have.
 *
 * @module
 */
import { z } from "zod";
import { SeglogError } from "../../core/base/errors.ts";

const amount = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** Limits of one tenant; there is none for what is not there. */
export const quotaShape = z.strictObject({
  /** Bytes of records that are appended and read, by whatever view: keys, values, headers. */
  bytesPerSecond: amount.optional(),
  requestsPerSecond: amount.optional(),
  /** Bytes of segments. */
  storedBytes: amount.optional(),
  /** A topic counts once for each of its partitions, which are what costs. */
  topics: amount.optional(),
});

/** Limits of one tenant. */
export type Quota = z.infer<typeof quotaShape>;

/** What can run out. */
export type QuotaName = keyof Quota;

/** The error for a rate that is used up. */
export function rateExceeded(name: QuotaName, limit: number, waitMs: number): SeglogError {
  const what = name === "bytesPerSecond" ? "bytes" : "requests";
  return new SeglogError(
    "quota-exceeded",
    `Cannot take more now: ${limit} ${what} a second are allowed; try again in ${waitMs} ms`,
    { details: { quota: name, limit, retryAfterMs: waitMs } },
  );
}

/** The error for what would be more than may be kept. */
export function quotaFull(name: QuotaName, limit: number, used: number): SeglogError {
  const hint = name === "topics"
    ? `${used} topics and partitions are there, and ${limit} are allowed; remove some`
    : `${used} bytes are stored, and ${limit} are allowed; truncate or remove topics`;
  return new SeglogError("quota-full", `Cannot keep more: ${hint}, or ask for more`, {
    details: { quota: name, limit, used },
  });
}
