/**
 * What does not answer yet, and is asked again until it does.
 *
 * @module
 */
import { sleep } from "./clock.ts";
import { messageOf, SeglogError } from "./errors.ts";

/** How long it may take to find out that what may be away is. */
export const FIRST_TRY_MS = 5000;
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 5000;

/** What is asked for again and again. */
export interface Awaited {
  /**
   * Asks once, and takes what answers.
   *
   * @returns what is to be told of it, in a sentence
   * @throws why nothing answers, or why it cannot be used
   */
  readonly reach: (signal: AbortSignal) => Promise<string>;
  /** Is told of that, and before of each reason that is another than the one before. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** Whether an error says no more than that nobody can be used at the moment. */
export function isAway(error: unknown): boolean {
  return error instanceof SeglogError && error.retryable;
}

/** The time until somebody answers. It asks in the background, with growing pauses. */
export class Absence {
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #why: unknown;
  #isOver = false;

  /** @param why nobody answered so far */
  constructor(why: unknown, awaited: Awaited) {
    this.#why = why;
    this.#running = this.#run(awaited);
  }

  /** Whether nobody has answered yet. */
  get isOn(): boolean {
    return !this.#isOver;
  }

  /**
   * Refuses what cannot be done meanwhile. Who asks for it is not whom an answer has turned away: he
   * may try again.
   *
   * @throws {SeglogError} what the last try has thrown where that {@linkcode isAway}, else `unavailable`
   * with that as its cause
   */
  check(): void {
    if (this.#isOver) return;
    if (isAway(this.#why)) throw this.#why;
    throw new SeglogError("unavailable", messageOf(this.#why), { cause: this.#why });
  }

  /** Asks no more. A try that is under way ends as its signal is heeded. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run({ reach, onNotice }: Awaited): Promise<void> {
    const { signal } = this.#ending;
    for (let pauseMs = PAUSE_MS; !this.#isOver; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      await sleep(pauseMs, signal);
      if (signal.aborted) return;
      let notice: string;
      try {
        notice = await reach(signal);
        this.#isOver = true;
      } catch (error) {
        const isNew = messageOf(error) !== messageOf(this.#why);
        this.#why = error;
        if (!isNew || signal.aborted) continue;
        notice = `${messageOf(error)}; trying again`;
      }
      try {
        onNotice?.(notice);
      } catch {
        // Whoever is told can neither end the asking nor, as nobody waits for it, the process.
      }
    }
  }
}
