/**
 * The end of what is under way when the credentials end that it came in with.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";

/** The error that whoever came in with them is told. */
export function credentialsEnded(): SeglogError {
  return new SeglogError(
    "unauthenticated",
    "Cannot go on: these credentials do not count any more; they were revoked, or have expired",
  );
}

/** Refuses to go on where they have ended. @throws {SeglogError} `unauthenticated` */
export function demandCurrent({ ended }: { readonly ended: AbortSignal }): void {
  if (ended.aborted) throw credentialsEnded();
}
