/**
 * Lines from blocks of bytes that end anywhere.
 *
 * @module
 */
import { concatBytes } from "../../core/base/bytes.ts";

const NEWLINE = 10;

/** Puts lines together. */
export class LinePieces {
  /** Of a line whose end has not come yet. */
  #open: Uint8Array[] = [];

  /** The lines that end in this block, without their ends. The block must stay as it is. */
  take(block: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, start)) {
      const piece = block.subarray(start, end);
      lines.push(this.#open.length === 0 ? piece : concatBytes([...this.#open, piece]));
      this.#open = [];
      start = end + 1;
    }
    if (start < block.length) this.#open.push(block.subarray(start));
    return lines;
  }
}
