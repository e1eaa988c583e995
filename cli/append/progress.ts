/**
 * A line on standard error that says how far an append has come, where a person sees it.
 *
 * @module
 */
import type { Output } from "../output.ts";
import { countOf, formatBytes, formatCount } from "../units.ts";

const REDRAW_MS = 100;

/** Counts what was acknowledged, and draws it now and then when standard error is a terminal. */
export class Progress {
  readonly #output: Output;
  readonly #startMs = Date.now();
  readonly #isShown: boolean;
  #drawnMs = 0;
  #records = 0;
  #bytes = 0;

  /** @param isShown false where lines are typed by hand: the two would write over each other */
  constructor(output: Output, isShown: boolean) {
    this.#output = output;
    this.#isShown = isShown;
  }

  /** Records acknowledged so far. */
  get records(): number {
    return this.#records;
  }

  add(records: number, bytes: number): void {
    this.#records += records;
    this.#bytes += bytes;
    const nowMs = Date.now();
    if (!this.#isShown || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#output.status(progressText(this.#records, this.#bytes, nowMs - this.#startMs));
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#isShown && this.#drawnMs > 0) this.#output.status("");
  }
}

/** `12,345 records, 1.2 MiB, 100,000 records/s` */
export function progressText(records: number, bytes: number, elapsedMs: number): string {
  const rate = Math.round(records / Math.max(elapsedMs, 1) * 1000);
  return `${countOf(records, "record")}, ${formatBytes(bytes)}, ${formatCount(rate)} records/s`;
}
