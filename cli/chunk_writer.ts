/**
 * Many small pieces of data, written as few large chunks.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Mutex } from "../core/base/mutex.ts";
import type { Output } from "./output.ts";

const CHUNK_BYTES = 256 * 1024;
/** A piece of at least this many bytes is handed on as it is, without a copy. */
const PIECE_BYTES_WHOLE = 64 * 1024;
const SHORT_CHARS_MAX = 32;

/**
 * Gathers pieces in memory. Adding is synchronous and cheap; `drain` and `flush` write what has
 * gathered, and wait for a slow reader. Pieces must stay unchanged until then.
 */
export class ChunkWriter {
  readonly #output: Pick<Output, "write">;
  #full: Uint8Array[] = [];
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  readonly #writing = new Mutex();

  constructor(output: Pick<Output, "write">) {
    this.#output = output;
  }

  /** Whether there is something for `drain` to write. */
  get isFull(): boolean {
    return this.#full.length > 0;
  }

  bytes(piece: Uint8Array): void {
    if (piece.length >= PIECE_BYTES_WHOLE) {
      this.#roll();
      this.#full.push(piece);
      return;
    }
    if (piece.length > CHUNK_BYTES - this.#used) this.#roll();
    this.#chunk.set(piece, this.#used);
    this.#used += piece.length;
  }

  text(piece: string): void {
    const bytesMax = piece.length * 3;
    if (bytesMax >= PIECE_BYTES_WHOLE) return this.bytes(Buffer.from(piece));
    if (bytesMax > CHUNK_BYTES - this.#used) this.#roll();
    if (piece.length > SHORT_CHARS_MAX || !this.#ascii(piece)) {
      this.#used += this.#chunk.write(piece, this.#used);
    }
  }

  byte(value: number): void {
    if (this.#used === CHUNK_BYTES) this.#roll();
    this.#chunk[this.#used++] = value;
  }

  /** Writes the chunks that are full, in order also when called again meanwhile. @throws {ClosedPipe} */
  drain(): Promise<void> {
    return this.#writing.run(async () => {
      const full = this.#full;
      this.#full = [];
      for (const chunk of full) await this.#output.write(chunk);
    });
  }

  /** Writes everything. @throws {ClosedPipe} */
  flush(): Promise<void> {
    this.#roll();
    return this.drain();
  }

  /** Copies short text by hand, which beats a call into the runtime; gives up where it is not ASCII. */
  #ascii(piece: string): boolean {
    const chunk = this.#chunk;
    const start = this.#used;
    for (let i = 0; i < piece.length; i++) {
      const code = piece.charCodeAt(i);
      if (code > 0x7f) return false;
      chunk[start + i] = code;
    }
    this.#used = start + piece.length;
    return true;
  }

  #roll(): void {
    const used = this.#chunk.subarray(0, this.#used);
    if (used.length === 0) return;
    this.#used = 0;
    if (used.length < PIECE_BYTES_WHOLE) {
      this.#full.push(Buffer.from(used)); // a copy is cheaper than a new chunk
      return;
    }
    this.#full.push(used);
    this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  }
}
