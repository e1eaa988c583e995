/**
 * Bounds the memory that request bodies take together.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";

/** Bytes that all requests share; who would exceed them is turned away and may come again. */
export class BodyBudget {
  readonly #bytesMax: number;
  #used = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @throws {SeglogError} `overloaded` */
  take(bytes: number): void {
    if (this.#used + bytes > this.#bytesMax) {
      throw new SeglogError(
        "overloaded",
        `Cannot take a body of ${bytes} bytes now: bodies of ${this.#used} bytes are being read, ` +
          `${this.#bytesMax} at most; try again`,
      );
    }
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
