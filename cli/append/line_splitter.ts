/**
 * Lines of a stream of bytes, without ever holding more than one of them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { concatBytes } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { countOf } from "../units.ts";

const NEWLINE = 10;

/**
 * Splits at `\n` and nothing else: a `\r` stays part of its line, an empty line is a line, and the
 * last one counts without its line break too.
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  /** The pieces of a line whose end has not come yet. */
  #open: Uint8Array[] = [];
  #openBytes = 0;
  #count = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Lines that have been given out: the number of the latest one, counted from 1. */
  get count(): number {
    return this.#count;
  }

  /**
   * The lines that end in this chunk: views of it, but for the first.
   *
   * @throws {SeglogError} `too-large` for a line above the limit
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0) break;
      yield this.#line(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line, when the input did not end in a line break. */
  finish(): Uint8Array | undefined {
    return this.#openBytes > 0 ? this.#line(new Uint8Array(0)) : undefined;
  }

  #line(end: Uint8Array): Uint8Array {
    this.#check(this.#openBytes + end.length);
    this.#count++;
    if (this.#openBytes === 0) return end;
    const line = concatBytes([...this.#open, end]);
    this.#open = [];
    this.#openBytes = 0;
    return line;
  }

  #keep(piece: Uint8Array): void {
    this.#check(this.#openBytes + piece.length);
    this.#open.push(piece);
    this.#openBytes += piece.length;
  }

  #check(bytes: number): void {
    if (bytes <= this.#lineBytesMax) return;
    throw new SeglogError(
      "too-large",
      `Cannot append line ${this.#count + 1}: it is longer than ${
        countOf(this.#lineBytesMax, "byte")
      }, the limit of a record`,
      { details: { line: this.#count + 1, limit: this.#lineBytesMax } },
    );
  }
}
