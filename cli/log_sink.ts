/**
 * Where the lines of a server's log go: a stream that may be slow, or be read by nobody. The server
 * never waits for it, and keeps no more for it than a bound.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";

/** Bytes that wait for the stream; what comes beyond them is dropped. */
const WAITING_BYTES_MAX = 1024 * 1024;

/** How long the end of the log is waited for when the program ends. */
const END_MS = 1000;

/** Hands lines on, many at a time where they come faster than they are taken. */
export class LogSink {
  readonly #stream: Writable;
  /** Is told, when there is room again, how many lines were dropped. */
  readonly #onDropped: (lines: number) => void;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  #isWriting = false;
  #whenIdle: (() => void)[] = [];

  constructor(stream: Writable, onDropped: (lines: number) => void) {
    this.#stream = stream;
    this.#onDropped = onDropped;
  }

  /** Takes a line with its end. */
  write(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#bytes + size > WAITING_BYTES_MAX) {
      this.#dropped++; // and costs nothing
      return;
    }
    this.#waiting.push(Buffer.from(line));
    this.#bytes += size;
    if (!this.#isWriting) this.#writeNext();
  }

  /** Resolves when all lines are out, or when it has been waited long enough. */
  async finish(): Promise<void> {
    if (!this.#isWriting) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, END_MS);
      this.#whenIdle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** One write at a time: what the stream has not taken can be counted here only. */
  #writeNext(): void {
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#isWriting = true;
    // A stream that nobody reads any more fails; the log is then written for nobody.
    this.#stream.write(bytes, () => this.#written(bytes.length));
  }

  #written(bytes: number): void {
    this.#bytes -= bytes;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#onDropped(dropped);
    if (this.#waiting.length > 0) return this.#writeNext();
    this.#isWriting = false;
    for (const idle of this.#whenIdle.splice(0)) idle();
  }
}
