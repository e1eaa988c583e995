/**
 * What is done to a stream or a connection that its client may have taken away a moment ago.
 *
 * @module
 */

/** What `act` returns; `undefined` when it failed: what it was done to is no more. */
export function attempt<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
