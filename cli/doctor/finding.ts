/**
 * What a check of the surroundings found.
 *
 * @module
 */
import { withoutLogins } from "../without_logins.ts";

/** Good; to be looked at; or in the way of a server. */
export type Verdict = "ok" | "warn" | "fail";

/** What one check found. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What is so. */
  readonly says: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** All is well. */
export function ok(check: string, says: string): Finding {
  return { check, verdict: "ok", says: withoutLogins(says) };
}

/** A server can live with it. */
export function warn(check: string, says: string, advice: string): Finding {
  return { check, verdict: "warn", says: withoutLogins(says), advice };
}

/** A server cannot. */
export function fail(check: string, says: string, advice: string): Finding {
  return { check, verdict: "fail", says: withoutLogins(says), advice };
}
