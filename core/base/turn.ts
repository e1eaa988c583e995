/**
 * Turns of the event loop: a long piece of work gives others theirs.
 *
 * @module
 */
import { setImmediate } from "node:timers";

/** Resolves when timers, sockets and syncs that are done have been heard. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
