/**
 * Requests of one client: sent, tried again, and turned into results or `SeglogError`s.
 *
 * @module
 */
import { Absence } from "../core/base/absence.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { goodAnswer } from "./answers.ts";
import { Epochs } from "./epochs.ts";
import { type RetryPolicy, type Trying, withRetries } from "./retry.ts";
import { type Answer, type Ask, NoAnswer, type Transport } from "./transport.ts";

const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** What most requests leave as it is. */
export type Request = Pick<Ask, "method" | "path"> & Partial<Omit<Ask, "signals">> & {
  /** Ends it early, with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Instead of the client's own policy. */
  readonly policy?: RetryPolicy;
  /** Whether it is sent also to a server that has not answered yet. */
  readonly isFirst?: boolean;
};

/** Asks one server until the client is closed. */
export class Requests {
  readonly #url: string;
  readonly #transport: Transport;
  readonly #policy: RetryPolicy;
  readonly #onNotice: (notice: string) => void;
  readonly #epochs: Epochs;
  readonly #closing = new AbortController();
  readonly #writes = new Set<Promise<unknown>>();
  #absence: Absence | undefined;

  constructor(
    url: string,
    parts: {
      transport: Transport;
      policy: RetryPolicy;
      onNotice: (notice: string) => void;
      /** An epoch that is known from elsewhere. */
      epoch?: number | undefined;
    },
  ) {
    this.#url = url;
    this.#epochs = new Epochs(url, parts.epoch);
    this.#transport = parts.transport;
    this.#policy = parts.policy;
    this.#onNotice = parts.onNotice;
  }

  /** How requests are tried again where nothing else is said. */
  get policy(): RetryPolicy {
    return this.#policy;
  }

  /** The highest epoch that is known. */
  get epoch(): number {
    return this.#epochs.known;
  }

  /** Whether the server has not answered yet. */
  get isAway(): boolean {
    return this.#absence?.isOn === true;
  }

  /**
   * Refuses requests until the server answers.
   *
   * @param why it did not
   * @param ask makes the first request
   */
  awaitServer(why: unknown, ask: () => Promise<void>): void {
    const reach = async () => {
      await ask();
      return `${this.#url} answers`;
    };
    this.#absence = new Absence(why, { reach, onNotice: this.#onNotice });
  }

  /** @throws {SeglogError} `closed` */
  checkOpen(): void {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
  }

  /**
   * Asks for something. Closing the client ends it with `closed`.
   *
   * @throws {SeglogError} what the server told; `unavailable` when there is no answer
   */
  async read(request: Request): Promise<Answer> {
    this.checkOpen();
    const { signal, policy = this.#policy, isFirst = false } = request;
    if (!isFirst) this.#absence?.check();
    const closing = this.#closing.signal;
    const signals = signal === undefined ? [closing] : [closing, signal];
    try {
      return await this.#ask({ ...request, isRepeatable: true }, { signals, policy });
    } catch (error) {
      // Nobody has asked for the first one: others are told, meanwhile, why it failed.
      throw this.#told(error, isFirst ? "why" : "message");
    }
  }

  /**
   * Asks to change something. Closing the client waits for it, but it is not tried again then.
   *
   * @throws {SeglogError} what the server told, when that was the answer to the only try that
   * reached it; `unavailable` when none did; else `outcome-unknown`
   */
  write(request: Request): Promise<Answer> {
    const writing = this.#write(request);
    this.#writes.add(writing);
    const done = () => this.#writes.delete(writing);
    writing.then(done, done);
    return writing;
  }

  /** Ends what is asked for, waits for what is changed, and refuses everything after that. */
  async close(): Promise<void> {
    this.#closing.abort(
      new SeglogError("closed", `Cannot use ${this.#url}: this client is closed`),
    );
    await this.#absence?.close();
    await Promise.allSettled(this.#writes);
    this.#transport.close();
  }

  async #write(request: Request): Promise<Answer> {
    this.checkOpen();
    this.#absence?.check();
    let mayBeDone = false;
    const onFailure = (error: Error) => {
      mayBeDone ||= error instanceof NoAnswer && error.mayHaveArrived;
    };
    try {
      return await this.#ask(request, { signals: [], onFailure });
    } catch (error) {
      // Whatever the last try was told says nothing about one whose answer was lost.
      if (mayBeDone) {
        throw new SeglogError(
          "outcome-unknown",
          `Cannot tell whether ${request.method} was done: ${messageOf(error)}`,
          { cause: error },
        );
      }
      throw this.#told(error);
    }
  }

  #ask(
    request: Request,
    how: Pick<Trying, "signals" | "onFailure"> & { readonly policy?: RetryPolicy },
  ): Promise<Answer> {
    const { isRepeatable = false, bytesMax = ANSWER_BYTES_MAX } = request;
    const ask = (): Ask => ({
      ...request,
      headers: { ...request.headers, ...this.#epochs.headers },
      isRepeatable,
      bytesMax,
      signals: how.signals,
    });
    const trying: Trying = {
      policy: this.#policy,
      isRepeatable,
      isOver: () => this.#closing.signal.aborted,
      onRetry: (error) => this.#onNotice(`${this.#url}: ${error.message}; trying again`),
      ...how,
    };
    return withRetries(trying, async () => {
      const answer = await this.#transport.send(ask());
      this.#epochs.note(answer);
      return this.#epochs.checked(goodAnswer(answer));
    });
  }

  #told(error: unknown, words: "message" | "why" = "message"): unknown {
    if (!(error instanceof NoAnswer)) return error;
    return new SeglogError(
      "unavailable",
      `Cannot reach ${this.#url}: ${error[words]}; ${hintFor(error.message)}`,
      { cause: error },
    );
  }
}

/** What the runtimes say where one end speaks TLS and the other one does not. */
function hintFor(message: string): string {
  if (/wrong.version.number|InvalidContentType|TLS handshake failed/i.test(message)) {
    return "does it speak plain HTTP? Then its URL begins with http://";
  }
  if (/invalid HTTP version|does not match the HTTP/i.test(message)) {
    return "does it speak TLS? Then its URL begins with https://";
  }
  return "is the server running?";
}
