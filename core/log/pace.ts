/**
 * Holds a long piece of work back, so that what others do comes first.
 *
 * @module
 */
import type { Clock } from "../base/clock.ts";
import { endOfTurn } from "../base/turn.ts";

/** Bytes after which other tasks get their turn. */
const BYTES_PER_TURN = 1024 * 1024;
/** A shorter rest is put off. */
const REST_MS_MIN = 20;

/** What a piece of work may take. */
export interface PaceOptions {
  /** Bytes a second; infinite for no bound. */
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  /** Throws when the work shall end. */
  readonly check: () => void;
}

/** Counts bytes; each call resolves when the work may go on. */
export class Pace {
  readonly #options: PaceOptions;
  readonly #startMs: number;
  #bytes = 0;
  #turnBytes = 0;
  #cancelRest: () => void = () => {};

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
  }

  /** @param bytes that were read or written since the last call */
  async step(bytes: number): Promise<void> {
    const { bytesPerSecond, clock, check } = this.#options;
    this.#bytes += bytes;
    this.#turnBytes += bytes;
    check();
    if (this.#turnBytes < BYTES_PER_TURN) return;
    this.#turnBytes = 0;
    await endOfTurn();
    check();
    const dueMs = this.#startMs + 1000 * this.#bytes / bytesPerSecond;
    const restMs = dueMs - clock.now();
    if (restMs < REST_MS_MIN) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(restMs, resolve);
      this.#cancelRest = () => {
        cancel();
        resolve();
      };
    });
    check();
  }

  /** Ends a rest, so that the work sees that it shall end. */
  wake(): void {
    this.#cancelRest();
  }
}
