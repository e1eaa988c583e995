/**
 * Lets what came in one turn of the event loop go on together: requests that arrive at the same time
 * on many connections then share a write and a sync, instead of each starting its own.
 *
 * @module
 */
import { endOfTurn } from "../core/base/turn.ts";

/** The turns of the event loop. */
export class Turn {
  #end: Promise<void> | undefined;

  /** Resolves at the end of this turn, for all who asked within it one right after the other. */
  end(): Promise<void> {
    this.#end ??= endOfTurn().then(() => {
      this.#end = undefined;
    });
    return this.#end;
  }
}
