/**
 * Which messages cover which offsets, as far as they were seen: so that an offset is looked for only
 * where it can be. What is known of a message stays true, even when it is gone; not so where a stream
 * was set back to what it was before.
 *
 * @module
 */
import { lastIndexWhere } from "../core/base/binary_search.ts";
import type { StoredMessage } from "./stored_message.ts";

/** A message and the offsets `[baseOffset, nextOffset)` that it covers. */
export interface Waypoint {
  readonly sequence: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
}

/** Most that are kept, of one partition. */
const COUNT_MAX = 4096;

/** The messages of one stream that were seen. */
export class Waypoints {
  /** By sequence, and so by offset. */
  #known: Waypoint[] = [];

  add({ sequence, head }: StoredMessage): void {
    const before = lastIndexWhere(this.#known.length, (i) => this.#known[i]!.sequence <= sequence);
    if (this.#known[before]?.sequence === sequence) return;
    const { baseOffset, state: { nextOffset } } = head;
    this.#known.splice(before + 1, 0, { sequence, baseOffset, nextOffset });
    if (this.#known.length > COUNT_MAX) this.#known = this.#known.filter((_, i) => i % 2 === 0);
  }

  clear(): void {
    this.#known = [];
  }

  /** The last message that begins at or below an offset, and the first that begins above it. */
  around(offset: number): { readonly below?: Waypoint; readonly above?: Waypoint } {
    const at = lastIndexWhere(this.#known.length, (i) => this.#known[i]!.baseOffset <= offset);
    const [below, above] = [this.#known[at], this.#known[at + 1]];
    return { ...below === undefined ? {} : { below }, ...above === undefined ? {} : { above } };
  }
}
