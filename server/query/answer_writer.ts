/**
 * Writes lines to standard output, and waits there for whoever reads: rows that nobody takes yet are
 * not made.
 *
 * @module
 */
import { ByteWriter } from "../../core/base/bytes.ts";
import { writeAll } from "./standard_io.ts";

const BLOCK_BYTES = 64 * 1024;

/** Puts lines together, and writes them. */
export class AnswerWriter {
  readonly #pending = new ByteWriter(BLOCK_BYTES);

  /** One line: a letter, and what it says. */
  line(tag: string, content: string): void {
    this.#pending.text(tag);
    this.#pending.text(content);
    this.#pending.text("\n");
    if (this.#pending.length >= BLOCK_BYTES / 2) this.flush();
  }

  /** Writes what there is. */
  flush(): void {
    writeAll(this.#pending.subarray(0, this.#pending.length));
    this.#pending.truncate(0);
    this.#pending.shrink(BLOCK_BYTES);
  }
}
