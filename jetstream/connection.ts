/**
 * The connection to a cluster: any of its servers, and another one when that is lost.
 *
 * @module
 */
import { errors, type Msg, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { Absence, FIRST_TRY_MS, isAway } from "../core/base/absence.ts";
import { encodeUtf8 } from "../core/base/bytes.ts";
import { sleep } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import { unlessAborted } from "../core/base/pause.ts";
import type { ClusterUrl } from "./cluster_url.ts";
import { dial, type DialOptions } from "./dial.ts";
import {
  ApiError,
  asSeglogError,
  isDenied,
  isUnanswered,
  LostConnection,
  Unanswered,
} from "./nats_errors.ts";

/** How a cluster is talked to. */
export interface ConnectionOptions extends DialOptions {
  /**
   * Go on where no server can be used within five seconds, and connect when one can; false unless
   * given.
   */
  readonly mayBeAway?: boolean | undefined;
  /** Is told, in a sentence, when the connection is lost and when it is back. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** A request that is not tried again. */
export interface Asked {
  readonly payload: Uint8Array;
  readonly headers?: MsgHdrs;
  readonly timeoutMs: number;
}

const TIMEOUT_MS = 30_000;
/** How long the first try may take: nobody answers while a stream that was just made has no leader. */
const TRY_MS = 500;
/** Each further one may take twice as long as the one before it, up to this. */
const TRY_MS_MAX = 5000;
const PAUSE_MS = 20;
const PAUSE_MS_MAX = 500;

/** Looks whether a connection is of use. @throws why it is not */
type Check = (tried: Connection) => Promise<void>;

/** What comes for a subject, until it is not wanted any more. */
export interface Receiving {
  /** Ends it. */
  unsubscribe(): void;
}

/** A connection that is there, is being made again, or waits for the first server to answer. */
export class Connection {
  /** How long a request is tried. */
  readonly timeoutMs: number;
  readonly #onNotice: (notice: string) => void;
  /** Nothing before a server has answered. */
  #nats: NatsConnection | undefined;
  /** While none has. */
  #absence: Absence | undefined;
  /** What is to be received from then on. */
  readonly #toReceive = new Set<(nats: NatsConnection) => void>();
  /** Those who want to know when the connection is lost. */
  readonly #losers = new Set<() => void>();
  /** Resolves when the connection is there again; nothing while it is there. */
  #back: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  private constructor({ timeoutMs = TIMEOUT_MS, onNotice }: ConnectionOptions) {
    this.timeoutMs = timeoutMs;
    this.#onNotice = onNotice ?? (() => {});
  }

  /**
   * Connects to one of the servers. Where none answers within five seconds and that `mayBeAway`, the
   * connection is made in the background, and whoever needs it is refused until it is there.
   *
   * @param check has to be content with a connection before it is used
   * @throws {SeglogError} `unavailable`, `unauthenticated`, …; what `check` throws
   */
  static async open(
    url: ClusterUrl,
    options: ConnectionOptions = {},
    check: Check = () => Promise.resolve(),
  ): Promise<Connection> {
    const connection = new Connection(options);
    const reach = async (signal: AbortSignal, how = options) => {
      const nats = await Connection.#make(url, how, { check, signal });
      connection.#begin(nats);
      return `connected to ${nats.getServer()}`;
    };
    const trying = new AbortController();
    if (options.mayBeAway !== true) {
      await reach(trying.signal);
      return connection;
    }
    const firstMs = Math.min(FIRST_TRY_MS, connection.timeoutMs);
    const timer = setTimeout(() => trying.abort(), firstMs);
    try {
      // Each of the servers has its turn; or one is there, and what it is asked has time.
      const timeoutMs = Math.ceil(firstMs / Math.max(2, url.servers.length));
      await reach(trying.signal, { ...options, timeoutMs });
    } catch (error) {
      if (!isAway(error)) throw error;
      const why = trying.signal.aborted ? notSoon(url, firstMs) : error;
      connection.#absence = new Absence(why, { reach, onNotice: connection.#onNotice });
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  /** What `check` is content with, before anything else uses it. */
  static async #make(
    url: ClusterUrl,
    { onNotice: _, ...options }: ConnectionOptions,
    { check, signal }: { readonly check: Check; readonly signal: AbortSignal },
  ): Promise<NatsConnection> {
    const dialing = dial(url, options);
    const nats = await unlessAborted(dialing, signal);
    if (nats === undefined) {
      dialing.then((late) => late.close(), () => {});
      throw closed();
    }
    const tried = new Connection(options);
    tried.#begin(nats);
    const end = () => void tried.close();
    signal.addEventListener("abort", end, { once: true });
    try {
      await check(tried);
      if (signal.aborted) throw closed();
      tried.#isClosed = true; // and `nats` stays
      return nats;
    } catch (error) {
      await tried.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Whether no server has answered yet. */
  get isAway(): boolean {
    return this.#absence?.isOn === true;
  }

  /** Largest message that the servers take, headers included. */
  get payloadBytesMax(): number {
    return this.#nats?.info?.max_payload ?? 1024 * 1024;
  }

  /** @throws {SeglogError} `closed`; why no server has answered yet */
  check(): void {
    if (this.#isClosed) throw closed();
    this.#absence?.check();
  }

  /**
   * Waits until there is a connection again.
   *
   * @param deadlineMs when to give up, by `Date.now`
   * @throws {LostConnection} when it is late; {@linkcode SeglogError} `closed`, and, at once, why no
   * server has answered yet
   */
  async connected(deadlineMs: number): Promise<void> {
    this.check();
    if (this.#back === undefined) return;
    await before(deadlineMs, this.#back.promise);
  }

  /** Asks once. @throws what the library throws, {@linkcode LostConnection} or {@linkcode ApiError} */
  async ask(subject: string, { payload, headers, timeoutMs }: Asked): Promise<Uint8Array> {
    const lost = Promise.withResolvers<never>();
    const forget = this.onLost(() => lost.reject(new LostConnection()));
    try {
      const options = {
        timeout: Math.max(1, timeoutMs),
        ...headers === undefined ? {} : { headers },
      };
      const request = this.#made.request(subject, payload, options);
      request.catch(() => {}); // where the loss was seen first
      return (await Promise.race([request, lost.promise])).data;
    } catch (error) {
      throw denialIn(error) ?? error;
    } finally {
      forget();
    }
  }

  /**
   * Asks JetStream, and asks again where that can help.
   *
   * @param subject behind `$JS.API.`
   * @param action for errors
   * @param timeoutMs how long, unless it is as long as any request
   * @returns what the answer is as JSON
   * @throws {ApiError} when it is an error; {@linkcode Unanswered} when nobody has answered who can;
   * {@linkcode SeglogError}
   */
  async call<T>(
    subject: string,
    body: unknown,
    { action, timeoutMs = this.timeoutMs }: {
      readonly action: string;
      readonly timeoutMs?: number;
    },
  ): Promise<T> {
    const deadlineMs = Date.now() + timeoutMs;
    const payload = body === undefined ? new Uint8Array(0) : encodeUtf8(JSON.stringify(body));
    let tryMs = TRY_MS;
    for (let pauseMs = PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      try {
        await this.connected(deadlineMs);
        const asked = { payload, timeoutMs: Math.min(tryMs, deadlineMs - Date.now()) };
        tryMs = Math.min(2 * tryMs, TRY_MS_MAX);
        return answerOf<T>(await this.ask(`$JS.API.${subject}`, asked));
      } catch (error) {
        if (this.#isClosed) throw closed();
        if (!isUnanswered(error)) {
          throw error instanceof ApiError ? error : asSeglogError(error, action);
        }
        if (Date.now() + pauseMs >= deadlineMs) throw new Unanswered(error, action);
      }
      await sleep(pauseMs);
    }
  }

  /** Publishes without waiting for anything. */
  publish(subject: string, payload: Uint8Array, reply: string): void {
    this.#made.publish(subject, payload, { reply });
  }

  /** Takes what comes for a subject, from when there is a connection. */
  subscribe(subject: string, take: (error: Error | null, message: Msg) => void): Receiving {
    if (this.#nats !== undefined) return this.#nats.subscribe(subject, { callback: take });
    let receiving: Receiving | undefined;
    const begin = (nats: NatsConnection) => {
      receiving = nats.subscribe(subject, { callback: take });
    };
    this.#toReceive.add(begin);
    return {
      unsubscribe: () => {
        this.#toReceive.delete(begin);
        receiving?.unsubscribe();
      },
    };
  }

  /** Calls `then` when the connection is lost, at once where it is. @returns ends that */
  onLost(then: () => void): () => void {
    if (this.#back !== undefined || this.isAway || this.#isClosed) then();
    this.#losers.add(then);
    return () => void this.#losers.delete(then);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tellLost();
    this.#back?.reject(closed());
    await this.#absence?.close();
    await this.#nats?.close();
  }

  /** Where it is. @throws {SeglogError} before there is one */
  get #made(): NatsConnection {
    if (this.#nats !== undefined) return this.#nats;
    this.check();
    throw closed();
  }

  #begin(nats: NatsConnection): void {
    this.#nats = nats;
    void this.#watch(nats);
    for (const receive of this.#toReceive) receive(nats);
    this.#toReceive.clear();
  }

  #tellLost(): void {
    for (const tell of [...this.#losers]) tell();
  }

  async #watch(nats: NatsConnection): Promise<void> {
    for await (const status of nats.status()) {
      if (this.#isClosed) return;
      if (status.type === "disconnect") {
        this.#back ??= Promise.withResolvers();
        this.#back.promise.catch(() => {}); // nobody may be waiting
        this.#tellLost();
        this.#onNotice(`the connection to ${status.server} is lost; connecting again`);
      } else if (status.type === "reconnect") {
        this.#back?.resolve();
        this.#back = undefined;
        this.#onNotice(`connected to ${status.server}`);
      }
    }
  }
}

/** What an answer is as JSON. @throws {ApiError} */
export function answerOf<T>(data: Uint8Array): T {
  const answer = JSON.parse(new TextDecoder().decode(data));
  if (answer.error !== undefined) throw new ApiError(answer.error);
  return answer;
}

/**
 * Why a request was not passed on, from what it was refused with. That its answer may not be received is
 * another matter: it says nothing of what became of the request.
 */
function denialIn(error: unknown): Error | undefined {
  const cause = error instanceof errors.RequestError ? error.cause : undefined;
  return isDenied(cause) ? cause : undefined;
}

function closed(): SeglogError {
  return new SeglogError("closed", "Cannot use the cluster: the connection to it was closed");
}

function notSoon({ servers }: ClusterUrl, waitedMs: number): SeglogError {
  return new SeglogError(
    "unavailable",
    `Cannot connect to ${servers.join(", ")}: no server was ready within ${waitedMs} ms; try again`,
  );
}

async function before(deadlineMs: number, event: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LostConnection()), Math.max(0, deadlineMs - Date.now()));
  });
  try {
    await Promise.race([event, late]);
  } finally {
    clearTimeout(timer);
  }
}
