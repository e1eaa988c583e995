/**
 * One WebSocket as the server sees it: it sends as fast as the client reads, notices when the client
 * is gone or reads nothing, and bounds what the client may send.
 *
 * @module
 */
import type { WebSocket } from "ws";
import type { Clock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import {
  SOCKET_CLOSE_MS,
  SOCKET_CONTROLS_MAX,
  SOCKET_MESSAGES_MAX,
  SOCKET_WINDOW_MS,
} from "../limits.ts";

/** What a link goes by. */
export interface LinkOptions {
  /** How often the client is asked whether it is there; it is not when it has not answered by the next time. */
  readonly pingMs: number;
  /** How long it may leave unread what it was sent. */
  readonly blockedMs: number;
  readonly clock: Clock;
  /** Takes a message; what it throws ends the link. */
  readonly onMessage: (text: string) => void;
}

/** All was sent that was asked for. */
export const CLOSE_NORMAL = 1000;
/** The server stops. */
export const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;
const CLOSE_INTERNAL = 1011;
const CLOSE_TRY_LATER = 1013;
/** Problems are told by this and their HTTP status: 4404 for what is not found. */
const CLOSE_PROBLEM = 4000;

/** A connection to one client. */
export class SocketLink {
  readonly #socket: WebSocket;
  readonly #options: LinkOptions;
  readonly #gone = new AbortController();
  /** What the client did wrong, if it did. */
  #failure: SeglogError | undefined;
  #isSending = false;
  #wasHeard = true;
  #cancelPing: () => void = () => {};
  #windowMs = 0;
  #frames = { controls: 0, messages: 0 };

  constructor(socket: WebSocket, options: LinkOptions) {
    this.#socket = socket;
    this.#options = options;
    const control = () => this.#heard("controls", SOCKET_CONTROLS_MAX);
    socket.on("pong", control);
    socket.on("ping", control);
    socket.on("message", (data, isBinary) => this.#taken(data, isBinary));
    socket.on("error", () => {}); // its close follows
    socket.on("close", () => this.#leave());
    this.#pingLater();
  }

  /** Aborted when the client is gone, or was told to go. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Why the client was turned away, if it was. */
  get failure(): SeglogError | undefined {
    return this.#failure;
  }

  /**
   * Sends texts, and resolves when the last one is on its way. Where the client is gone it resolves as
   * well.
   *
   * @throws {SeglogError} `request-timeout` when the client reads nothing for too long
   */
  async send(texts: readonly Uint8Array[]): Promise<void> {
    if (texts.length === 0 || this.gone.aborted) return;
    const { clock, blockedMs } = this.#options;
    this.#isSending = true;
    const isSent = await new Promise<boolean>((resolve) => {
      const settle = (isSent: boolean) => {
        cancel();
        this.gone.removeEventListener("abort", sent);
        resolve(isSent);
      };
      const sent = () => settle(true);
      const cancel = clock.after(blockedMs, () => settle(false));
      this.gone.addEventListener("abort", sent, { once: true });
      const last = texts.length - 1;
      texts.forEach((text, i) => {
        this.#socket.send(text, { binary: false }, i === last ? sent : ignore);
      });
    });
    this.#isSending = false;
    this.#wasHeard = true;
    if (isSent) return;
    throw new SeglogError(
      "request-timeout",
      `Cannot send more: the client read nothing for ${blockedMs} ms`,
    );
  }

  /**
   * Ends the link, for which it does not wait: the client is told, and cut off if it does not answer.
   *
   * @param text a last message
   */
  end(
    text: Uint8Array,
    { code, reason }: { readonly code: number; readonly reason: string },
  ): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(text, { binary: false }, ignore);
    this.#socket.close(code, reason);
    const cancel = this.#options.clock.after(SOCKET_CLOSE_MS, () => this.#socket.terminate());
    this.#socket.once("close", cancel);
  }

  #leave(): void {
    this.#cancelPing();
    this.#gone.abort();
  }

  #pingLater(): void {
    const { clock, pingMs } = this.#options;
    this.#cancelPing = clock.after(pingMs, () => {
      // Behind much that is unread a ping is not seen: whether anything is read is looked at there.
      if (!this.#wasHeard && !this.#isSending) return this.#socket.terminate();
      this.#wasHeard = false;
      if (!this.#isSending) this.#socket.ping();
      this.#pingLater();
    });
  }

  #taken(data: unknown, isBinary: boolean): void {
    if (!this.#heard("messages", SOCKET_MESSAGES_MAX)) return;
    try {
      if (isBinary) throw unreadable("it is not text");
      this.#options.onMessage(String(data));
    } catch (error) {
      this.#turnAway(error instanceof SeglogError ? error : unreadable("it is no JSON"));
    }
  }

  /** Notes that a frame came. @returns whether that is well */
  #heard(kind: "controls" | "messages", most: number): boolean {
    if (this.gone.aborted) return false;
    this.#wasHeard = true;
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#windowMs >= SOCKET_WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#frames = { controls: 0, messages: 0 };
    }
    if (++this.#frames[kind] <= most) return true;
    this.#turnAway(
      new SeglogError(
        "overloaded",
        `Cannot take more: the client sends more than ${most} ${kind} in ${SOCKET_WINDOW_MS} ms`,
      ),
    );
    return false;
  }

  #turnAway(failure: SeglogError): void {
    this.#failure ??= failure;
    this.#gone.abort();
  }
}

/** The code with which a link ends that failed. */
export function closeCodeOf(error: SeglogError): number {
  if (error.code === "overloaded") return CLOSE_POLICY;
  if (error.code === "request-timeout") return CLOSE_TRY_LATER;
  return error.httpStatus < 500 ? CLOSE_PROBLEM + error.httpStatus : CLOSE_INTERNAL;
}

function unreadable(why: string): SeglogError {
  return new SeglogError(
    "invalid-argument",
    `Cannot read the message: ${why}; send {"credit":N} where the subscription has a credit`,
  );
}

function ignore(): void {}
