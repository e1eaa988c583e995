/**
 * The connection to a cluster: any of its servers, and another one when that is lost.
 *
 * @module
 */
import {
  credsAuthenticator,
  errors,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from "@nats-io/transport-node";
import { readFile } from "node:fs/promises";
import { sleep } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { encodeUtf8 } from "../core/base/bytes.ts";
import type { ClusterUrl } from "./cluster_url.ts";
import { ApiError, asSeglogError, didNothing, isUnknown, LostConnection } from "./nats_errors.ts";
import { connectHeard } from "./transport.ts";

/** What a connection needs for TLS, in PEM. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** How a cluster is talked to. */
export interface ConnectionOptions {
  /** How long to try before giving up, in milliseconds; 30 s unless given. */
  readonly timeoutMs?: number | undefined;
  /** A file with credentials, as `nsc` makes it. */
  readonly credentials?: string | undefined;
  /** A token, where the URL does not log in. */
  readonly token?: string | undefined;
  /** Which authority to trust, and a certificate to show, as PEM. */
  readonly tls?:
    | { readonly ca?: string; readonly cert?: string; readonly key?: string }
    | undefined;
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
/** How long the first connection may take. */
const CONNECT_MS = 5000;
/** How long the first try may take: nobody answers while a stream that was just made has no leader. */
const TRY_MS = 500;
/** Each further one may take twice as long as the one before it, up to this. */
const TRY_MS_MAX = 5000;
const PAUSE_MS = 20;
const PAUSE_MS_MAX = 500;
const RECONNECT_MS = 200;
/** After two of these without an answer, a connection counts as lost. */
const PING_MS = 5000;

/** A connection that is there, or is being made again. */
export class Connection {
  /** How long a request is tried. */
  readonly timeoutMs: number;
  readonly #nats: NatsConnection;
  /** Those who want to know when the connection is lost. */
  readonly #losers = new Set<() => void>();
  /** Resolves when the connection is there again; nothing while it is there. */
  #back: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  private constructor(nats: NatsConnection, options: ConnectionOptions) {
    this.#nats = nats;
    this.timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    void this.#watch(options.onNotice ?? (() => {}));
  }

  /** Connects to one of the servers. @throws {SeglogError} `unavailable`, `unauthenticated`, … */
  static async open(url: ClusterUrl, options: ConnectionOptions = {}): Promise<Connection> {
    const { servers, user, password } = url;
    const token = url.token ?? (user === undefined ? options.token : undefined);
    try {
      const nats = await connectHeard({
        servers: [...servers],
        name: "seglog",
        timeout: Math.min(CONNECT_MS, options.timeoutMs ?? TIMEOUT_MS),
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true, // who is refused now may be let in again
        reconnectTimeWait: RECONNECT_MS,
        reconnectJitter: RECONNECT_MS,
        pingInterval: PING_MS,
        ...user === undefined ? {} : { user },
        ...password === undefined ? {} : { pass: password },
        ...token === undefined ? {} : { token },
        ...await credentialsOf(options.credentials),
        ...tlsOf(url, options),
      });
      return new Connection(nats, options);
    } catch (error) {
      throw asSeglogError(error, `connect to ${servers.join(", ")}`);
    }
  }

  /** Largest message that the servers take, headers included. */
  get payloadBytesMax(): number {
    return this.#nats.info?.max_payload ?? 1024 * 1024;
  }

  /**
   * Waits until there is a connection.
   *
   * @param deadlineMs when to give up, by `Date.now`
   * @throws {LostConnection} when it is late; {@linkcode SeglogError} `closed`
   */
  async connected(deadlineMs: number): Promise<void> {
    if (this.#isClosed) throw closed();
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
      const request = this.#nats.request(subject, payload, options);
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
   * @returns what the answer is as JSON
   * @throws {ApiError} when it is an error; {@linkcode SeglogError} when none comes
   */
  async call<T>(subject: string, body: unknown, action: string): Promise<T> {
    const deadlineMs = Date.now() + this.timeoutMs;
    const payload = body === undefined ? new Uint8Array(0) : encodeUtf8(JSON.stringify(body));
    let tryMs = TRY_MS;
    for (let pauseMs = PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      try {
        await this.connected(deadlineMs);
        const timeoutMs = Math.min(tryMs, deadlineMs - Date.now());
        tryMs = Math.min(2 * tryMs, TRY_MS_MAX);
        return answerOf<T>(await this.ask(`$JS.API.${subject}`, { payload, timeoutMs }));
      } catch (error) {
        if (this.#isClosed) throw closed();
        const isPassing = didNothing(error) || isUnknown(error);
        if (!isPassing || Date.now() + pauseMs >= deadlineMs) {
          throw error instanceof ApiError && !isPassing ? error : asSeglogError(error, action);
        }
      }
      await sleep(pauseMs);
    }
  }

  /** Publishes without waiting for anything. */
  publish(subject: string, payload: Uint8Array, reply: string): void {
    this.#nats.publish(subject, payload, { reply });
  }

  /** Takes what comes for a subject. */
  subscribe(subject: string, take: (error: Error | null, message: Msg) => void): Subscription {
    return this.#nats.subscribe(subject, { callback: take });
  }

  /** Calls `then` when the connection is lost, at once where it is. @returns ends that */
  onLost(then: () => void): () => void {
    if (this.#back !== undefined || this.#isClosed) then();
    this.#losers.add(then);
    return () => void this.#losers.delete(then);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#tellLost();
    this.#back?.reject(closed());
    await this.#nats.close();
  }

  #tellLost(): void {
    for (const tell of [...this.#losers]) tell();
  }

  async #watch(onNotice: (notice: string) => void): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (this.#isClosed) return;
      if (status.type === "disconnect") {
        this.#back ??= Promise.withResolvers();
        this.#back.promise.catch(() => {}); // nobody may be waiting
        this.#tellLost();
        onNotice(`the connection to ${status.server} is lost; connecting again`);
      } else if (status.type === "reconnect") {
        this.#back?.resolve();
        this.#back = undefined;
        onNotice(`connected to ${status.server}`);
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

/** What a server says that did not pass a request on, as whoever asks may not publish there. */
function denialIn(error: unknown): Error | undefined {
  const cause = error instanceof errors.RequestError ? error.cause : undefined;
  return cause instanceof errors.PermissionViolationError ? cause : undefined;
}

function closed(): SeglogError {
  return new SeglogError("closed", "Cannot use the cluster: the connection to it was closed");
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

function tlsOf({ isTls }: ClusterUrl, { tls }: ConnectionOptions) {
  if (tls !== undefined && !isTls) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot use certificates with a nats:// URL: they are for tls://",
    );
  }
  if (!isTls) return {};
  const { ca, cert, key } = tls ?? {};
  return {
    tls: {
      ...ca === undefined ? {} : { ca },
      ...cert === undefined ? {} : { cert },
      ...key === undefined ? {} : { key },
    },
  };
}

async function credentialsOf(file: string | undefined) {
  if (file === undefined) return {};
  try {
    const authenticator = credsAuthenticator(new Uint8Array(await readFile(file)));
    authenticator("any"); // it looks into the file only when it is asked
    return { authenticator };
  } catch (error) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot use ${file} as credentials: ${messageOf(error)}; give a file that nsc made`,
      { cause: error },
    );
  }
}
