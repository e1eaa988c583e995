/**
 * The version of everything that is on disk.
 *
 * @module
 */
import { SeglogError } from "./errors.ts";

/** The version of the on-disk format that this code reads and writes. */
export const FORMAT_VERSION = 1;

/** Refuses what a later version wrote. @throws {SeglogError} `unsupported` */
export function checkFormatVersion(version: number, what: string): void {
  if (version === FORMAT_VERSION) return;
  throw new SeglogError(
    "unsupported",
    `Cannot read ${what} of format version ${version}: this seglog reads version ${FORMAT_VERSION}; use a newer one`,
    { details: { version } },
  );
}
