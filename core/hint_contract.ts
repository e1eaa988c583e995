/**
 * The contract of hints: what views keep beside the topics that they are folded from.
 *
 * @module
 */

/** A hint that is open to be read. */
export interface OpenHint {
  /** Bytes in it. */
  size(): number;
  /** Fills `target` from `position` on. @returns how many bytes there were */
  read(target: Uint8Array, position: number): number;
  /** Gives it back. */
  close(): void;
}

/**
 * What views keep beside a topic so that they need not read all of it again. A hint may be gone,
 * outdated or damaged at any time: whoever reads it has to see that.
 */
export interface Hints {
  /** Opens the hint of this name; `undefined` when there is none. */
  open(topic: string, name: string): OpenHint | undefined;
  /**
   * Where a view that writes its own file may have it; `undefined` where there are no files. Nothing
   * is there at first, and who else writes to it is for the view to know.
   *
   * @throws {SeglogError} `not-found` for a topic that is not there
   */
  pathOf?(topic: string, name: string): string | undefined;
  /** Keeps a hint in place of the one before, whole or not at all. @throws {SeglogError} `io`, … */
  keep(topic: string, name: string, pieces: Iterable<Uint8Array>): Promise<void>;
}
