/**
 * Requests to one server: bounded in time and in bytes, with what can go wrong on the way told
 * apart.
 *
 * @module
 */
import process from "node:process";
import { ByteWriter } from "../core/base/bytes.ts";
import { distrustIn } from "../core/base/distrust.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { traceHeaders } from "./trace_context.ts";

/** What is asked. */
export interface Ask {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the server's URL, with its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Whether being sent twice does no harm. */
  readonly isRepeatable: boolean;
  /** Most bytes of the answer that are taken. */
  readonly bytesMax: number;
  /** How long the server may take, where that is another time than usual. */
  readonly timeoutMs?: number;
  /** Added to the time that the server has: it was asked to wait. */
  readonly waitMs?: number;
  /** Ends it early. */
  readonly signals: readonly AbortSignal[];
}

/** An answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** How requests are made. */
export interface TransportOptions {
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Ends the connections that are kept. */
  readonly close?: (() => void) | undefined;
}

/** There is no answer. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  /** The message without the request. */
  readonly why: string;
  /** Whether the server may have seen the request. */
  readonly mayHaveArrived: boolean;

  constructor(
    why: string,
    options: { cause: unknown; mayHaveArrived: boolean; request?: string },
  ) {
    super(options.request === undefined ? why : `${options.request}: ${why}`, {
      cause: options.cause,
    });
    this.why = why;
    this.mayHaveArrived = options.mayHaveArrived;
  }
}

/** Codes of a connection that was never made, in Node and in Bun. */
const NEVER_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "ConnectionRefused",
  "FailedToOpenSocket",
]);
/** The same in Deno, whose errors have no code, and for ports that `fetch` refuses. */
const NEVER_CONNECTED_TEXT = /client error \(Connect\)|bad port|are blocked/;

/**
 * The `fetch` of Deno sends bytes a second time when a kept connection is lost under them, and
 * says nothing; a blob it sends once.
 */
const SENDS_TWICE = "deno" in process.versions;

/** Requests to one server. */
export class Transport {
  readonly #base: string;
  readonly #options: TransportOptions;

  /** @param base the server's URL without a slash at its end */
  constructor(base: string, options: TransportOptions) {
    this.#base = base;
    this.#options = options;
  }

  /**
   * Asks once.
   *
   * @throws {NoAnswer} when the connection is refused or lost, or the time is over
   * @throws {SeglogError} `too-large` for an answer past `bytesMax`; `unauthenticated` when the server
   * does not prove to be who it should
   * @throws the reason of a signal that was aborted
   */
  async send(ask: Ask): Promise<Answer> {
    const { timeoutMs = this.#options.timeoutMs, waitMs = 0 } = ask;
    const limitMs = timeoutMs + waitMs;
    const ending = new Ending(ask.signals, limitMs);
    try {
      const response = await this.#options.fetch(this.#base + ask.path, {
        method: ask.method,
        headers: { ...this.#options.headers, ...ask.headers, ...traceHeaders() },
        signal: ending.signal,
        ...bodyOf(ask),
      });
      const body = await readBounded(response, ask.bytesMax);
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      if (error instanceof SeglogError) throw error;
      for (const signal of ask.signals) signal.throwIfAborted();
      const distrust = distrustIn(error);
      if (distrust !== undefined) throw cannotTrust(this.#base, distrust, error);
      const request = `${ask.method} ${ask.path.slice(0, 200)}`;
      if (ending.isOver) {
        throw new NoAnswer(`no answer within ${limitMs} ms`, {
          request,
          cause: error,
          mayHaveArrived: true,
        });
      }
      throw new NoAnswer(reasonOf(error), {
        request,
        cause: error,
        mayHaveArrived: !wasNeverConnected(error),
      });
    } finally {
      ending.release();
    }
  }

  /** Lets go of connections. */
  close(): void {
    this.#options.close?.();
  }
}

/** Ends a request by time or by one of several signals, and lets go of them. */
class Ending {
  readonly #controller = new AbortController();
  readonly #signals: readonly AbortSignal[];
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #abort = () => this.#controller.abort();
  isOver = false;

  constructor(signals: readonly AbortSignal[], ms: number) {
    this.#signals = signals;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#abort();
    }, ms);
    for (const signal of signals) {
      if (signal.aborted) this.#abort();
      else signal.addEventListener("abort", this.#abort, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  release(): void {
    clearTimeout(this.#timer);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#abort);
  }
}

function bodyOf({ body, isRepeatable }: Ask): RequestInit {
  if (body === undefined) return {};
  if (typeof body === "string" || isRepeatable || !SENDS_TWICE) {
    return { body: body as Uint8Array<ArrayBuffer> | string };
  }
  return { body: new Blob([body as Uint8Array<ArrayBuffer>]) };
}

async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array> {
  const announced = Number(response.headers.get("content-length") ?? NaN);
  if (announced > bytesMax) throw answerTooLarge(response, bytesMax);
  if (announced >= 0) return new Uint8Array(await response.arrayBuffer());
  const writer = new ByteWriter();
  for await (const part of response.body ?? []) {
    if (writer.length + part.length > bytesMax) throw answerTooLarge(response, bytesMax);
    writer.bytes(part);
  }
  return writer.subarray(0, writer.length);
}

function answerTooLarge(response: Response, bytesMax: number): SeglogError {
  response.body?.cancel().catch(() => {});
  return new SeglogError(
    "too-large",
    `Cannot take an answer of more than ${bytesMax} bytes`,
    { details: { limit: bytesMax } },
  );
}

function wasNeverConnected(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && NEVER_CONNECTED.has(code)) return true;
    if (NEVER_CONNECTED_TEXT.test(at.message)) return true;
  }
  return false;
}

/** To try again would end the same way. */
function cannotTrust(base: string, why: string, cause: unknown): SeglogError {
  return new SeglogError(
    "unauthenticated",
    `Cannot trust ${base}: ${why}; ` +
      "give the authority of its certificate (ca, --ca-file), and use a name that it is for",
    { cause, details: { unproven: "server" } },
  );
}

/** What Bun adds to an error of `fetch`, and who types a command can do nothing with. */
const ADVICE_TO_PROGRAMMERS = /\.? For more information, pass `verbose: true`.*$/;

/** The innermost message says most. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  const { code } = inner as { code?: unknown };
  if (code === "ECONNREFUSED") return "nothing listens there (ECONNREFUSED)";
  const message = messageOf(inner).replace(ADVICE_TO_PROGRAMMERS, "");
  if (message !== "") return message;
  return typeof code === "string" ? code : "the connection failed";
}
