/**
 * No log at all, but what one cannot do without: the bytes of each batch copied and checksummed,
 * then written or read by blocks of 64 KiB. It tells how close to the disk a log is.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { VALUE_BYTES } from "../values.ts";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

const BLOCK_BYTES = 64 * 1024;

export const bareFile: EmbeddedSystem = {
  // deno-lint-ignore require-await -- the contract is asynchronous
  async open(folder, { promised }: OpenOptions) {
    return new BareFile(fs.openSync(join(folder, "bytes"), "a+"), promised === "durable");
  },
};

class BareFile implements EmbeddedStore<readonly Uint8Array[]> {
  readonly #file: number;
  readonly #isDurable: boolean;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #witness = new Witness();
  #filled = 0;

  constructor(file: number, isDurable: boolean) {
    this.#file = file;
    this.#isDurable = isDurable;
  }

  get count(): number {
    return fs.fstatSync(this.#file).size / VALUE_BYTES;
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  append(batch: readonly Uint8Array[]): void {
    for (const value of batch) {
      if (this.#filled + value.length > BLOCK_BYTES) this.#write();
      this.#block.set(value, this.#filled);
      this.#filled += value.length;
    }
    this.#write();
    if (this.#isDurable) fs.fdatasyncSync(this.#file);
  }

  #write(): void {
    const bytes = this.#block.subarray(0, this.#filled);
    crc32(bytes);
    fs.writeSync(this.#file, bytes);
    this.#filled = 0;
  }

  scan(): number {
    let count = 0;
    for (let position = 0;; position += BLOCK_BYTES) {
      const bytes = fs.readSync(this.#file, this.#block, 0, BLOCK_BYTES, position);
      if (bytes === 0) return count;
      crc32(this.#block.subarray(0, bytes));
      for (let at = 0; at < bytes; at += VALUE_BYTES) {
        this.#witness.see(this.#block.subarray(at, at + VALUE_BYTES));
        count++;
      }
    }
  }

  readEach(places: Uint32Array): void {
    for (const place of places) {
      fs.readSync(this.#file, this.#block, 0, VALUE_BYTES, place * VALUE_BYTES);
      const value = this.#block.subarray(0, VALUE_BYTES);
      crc32(value);
      this.#witness.see(value);
    }
  }

  close(): void {
    fs.closeSync(this.#file);
  }
}
