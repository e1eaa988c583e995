/**
 * What a source is called in the catalogue of its replica.
 *
 * @module
 */
import { resolve } from "node:path";
import { isUrl } from "./connect.ts";

/** A folder by its whole path, a URL without a slash at its end and without who uses it. */
export function sourceName(at: string): string {
  if (!isUrl(at)) return resolve(at);
  return at.replace(/^([a-z]+:\/\/)[^/@]*@/i, "$1").replace(/\/+$/, "");
}
