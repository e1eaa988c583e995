/**
 * What a source is called in the catalogue of its replica.
 *
 * @module
 */
import { resolve } from "node:path";
import { isUrl } from "./connect.ts";
import { withoutLogins } from "./without_logins.ts";

/** A folder by its whole path, a URL without a slash at its end and without who uses it. */
export function sourceName(at: string): string {
  return isUrl(at) ? withoutLogins(at).replace(/\/+$/, "") : resolve(at);
}
