/**
 * The end of a subscription whose credentials ended before it did.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";

/** The error that such a subscriber is told. */
export function credentialsEnded(): SeglogError {
  return new SeglogError(
    "unauthenticated",
    "Cannot send more: the credentials were revoked or have expired; subscribe again with others",
  );
}
