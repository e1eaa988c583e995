/**
 * The offsets that snapshots read at, of one partition.
 *
 * @module
 */

/** Counts who holds which offset. */
export class HeldOffsets {
  readonly #holders = new Map<number, number>();

  /** All that are held, each once. */
  get all(): number[] {
    return [...this.#holders.keys()];
  }

  /** Holds an offset. @returns lets go of it; a second call does nothing */
  hold(offset: number): () => void {
    this.#holders.set(offset, (this.#holders.get(offset) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const others = this.#holders.get(offset)! - 1;
      if (others === 0) this.#holders.delete(offset);
      else this.#holders.set(offset, others);
    };
  }
}
