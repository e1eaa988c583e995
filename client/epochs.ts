/**
 * Which epoch a client knows: what a server with a lower one says is not the history any more.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import type { Answer } from "./transport.ts";

const HEADER = "seglog-epoch";

/** The epoch that is known to one client. It never falls. */
export class Epochs {
  readonly #url: string;
  #known: number;

  /** @param known from elsewhere */
  constructor(url: string, known = 1) {
    if (!Number.isSafeInteger(known) || known < 1) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot use ${known} as an epoch: give a whole number from 1`,
      );
    }
    this.#url = url;
    this.#known = known;
  }

  /** The highest. */
  get known(): number {
    return this.#known;
  }

  /** What is said with each request. */
  get headers(): Record<string, string> {
    return this.#known > 1 ? { [HEADER]: String(this.#known) } : {};
  }

  /** Learns from an answer, whatever it is. */
  note(answer: Answer): void {
    this.#known = Math.max(this.#known, epochIn(answer));
  }

  /** The answer, when its server was not replaced. @throws {SeglogError} `condition-failed` */
  checked(answer: Answer): Answer {
    const epoch = epochIn(answer);
    if (epoch >= this.#known) return answer;
    throw new SeglogError(
      "condition-failed",
      `Cannot use ${this.#url}: it has epoch ${epoch}, and epoch ${this.#known} is known: it was ` +
        "replaced; use the server that was promoted",
      { details: { epoch, known: this.#known } },
    );
  }
}

/** A server that took nobody's place does not tell. */
function epochIn({ headers }: Answer): number {
  const epoch = Number(headers.get(HEADER) ?? 1);
  return Number.isSafeInteger(epoch) ? epoch : 1;
}
