/**
 * Where a command's words go: standard output carries data only, standard error the rest. Colour
 * is for terminals, and `NO_COLOR` switches it off.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import type { Io } from "./io.ts";
import { withoutLogins } from "./without_logins.ts";

/** Standard output was closed by its reader, as `| head -1` does: a reason to stop, not an error. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}

type Style = Parameters<typeof styleText>[0];

const CLOSED_CODES = new Set(["EPIPE", "ECONNRESET", "ERR_STREAM_DESTROYED", "EOF"]);

/** Both streams of one run of the program. */
export class Output {
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
    // A failed write is told through its callback; without a listener it would end the process.
    io.stdout.on("error", () => {});
    io.stderr.on("error", () => {});
  }

  /** Whether standard output is read by a person. */
  get isTerminal(): boolean {
    return this.#io.stdout.isTTY === true;
  }

  /** Whether standard error is read by a person: then a line may be drawn over and over. */
  get isStderrTerminal(): boolean {
    return this.#io.stderr.isTTY === true;
  }

  /** Columns of the terminal, when there is one. */
  get columns(): number | undefined {
    return this.isTerminal ? this.#io.stdout.columns : undefined;
  }

  /**
   * Writes data.
   *
   * @returns when the bytes have been handed on: whoever waits for it keeps pace with the reader
   * @throws {ClosedPipe} when nobody reads any more
   */
  write(data: string | Uint8Array): Promise<void> {
    return writeAll(this.#io.stdout, data);
  }

  /** Writes one line of data. Throws as {@linkcode Output.write}. */
  line(text: string): Promise<void> {
    return this.write(`${text}\n`);
  }

  /** Says something that is not data: one line on standard error. */
  note(text: string): void {
    this.#io.stderr.write(`${withoutLogins(text)}\n`);
  }

  /** Draws over the last line of standard error, when that is a terminal; empty text clears it. */
  status(text: string): void {
    if (this.isStderrTerminal) this.#io.stderr.write(`\r\x1b[2K${text}`);
  }

  /** `text` in a style, where it goes to a terminal that wants colour. */
  style(style: Style, text: string): string {
    return this.#hasColour(this.#io.stdout) ? styleText(style, text, NO_CHECK) : text;
  }

  /** As {@linkcode Output.style}, for standard error. */
  styleNote(style: Style, text: string): string {
    return this.#hasColour(this.#io.stderr) ? styleText(style, text, NO_CHECK) : text;
  }

  /** Whether help and tables may have colour. */
  get hasColour(): boolean {
    return this.#hasColour(this.#io.stdout);
  }

  /** Resolves when all that was written, notes included, has been handed on. */
  async finish(): Promise<void> {
    await Promise.allSettled([writeAll(this.#io.stdout, ""), writeAll(this.#io.stderr, "")]);
  }

  #hasColour(stream: { readonly isTTY?: boolean }): boolean {
    return stream.isTTY === true && !this.#io.env.NO_COLOR && this.#io.env.TERM !== "dumb";
  }
}

/** We decide ourselves when there is colour. */
const NO_CHECK = { validateStream: false };

function writeAll(stream: Writable, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(isClosed(error) ? new ClosedPipe("standard output is closed") : error);
    });
  });
}

function isClosed(error: Error): boolean {
  const { code } = error as { code?: string };
  // Deno's errors may come without a code.
  return code === undefined
    ? /broken pipe|os error 32/i.test(error.message)
    : CLOSED_CODES.has(code);
}
