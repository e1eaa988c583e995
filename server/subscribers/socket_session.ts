/**
 * A subscription over a WebSocket, from its first record until the client goes, it is complete, or
 * the server stops.
 *
 * @module
 */
import type { WebSocket } from "ws";
import { z } from "zod";
import { encodeUtf8 } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { demandCurrent } from "../access/credentials_ended.ts";
import { checked } from "../checked.ts";
import type { Exchange } from "../exchange.ts";
import { streamFailed } from "../fault.ts";
import { SOCKET_CREDIT_MAX } from "../limits.ts";
import { patience } from "../patience.ts";
import { describeFault, problemJson, toldError } from "../problem.ts";
import type { Query } from "../query.ts";
import { Credit } from "./credit.ts";
import { MessageFraming, noteText } from "./message_framing.ts";
import { pieces } from "./pieces.ts";
import { CLOSE_GOING_AWAY, CLOSE_NORMAL, closeCodeOf, SocketLink } from "./socket_link.ts";
import type { Subscription } from "./subscription.ts";

/** How a client wants to be sent what it subscribed to. */
export interface SocketManner {
  /** Records as arrays, as many a message as are there. */
  readonly asArrays: boolean;
  /** How many records it takes before it says more; `undefined` is as many as there are. */
  readonly credit: Credit | undefined;
}

/** The parameters of a manner. */
export const MANNER_PARAMETERS = ["batch", "credit"];

/** Reads how a client wants to be sent records. @throws {SeglogError} `invalid-argument` */
export function mannerOf(query: Query): SocketManner {
  const credit = query.whole("credit", 0, SOCKET_CREDIT_MAX);
  return {
    asArrays: query.flag("batch"),
    credit: credit === undefined ? undefined : new Credit(credit),
  };
}

/** Sends a subscription until one of the two sides ends it. It never rejects. */
export async function serveSocket(
  exchange: Exchange,
  socket: WebSocket,
  { subscription, manner: { asArrays, credit } }: {
    readonly subscription: Subscription;
    readonly manner: SocketManner;
  },
): Promise<void> {
  const { services, visitor, path } = exchange;
  const { limits: { pingMs, blockedMs }, clock, metrics, notice, stopping } = services;
  const link = new SocketLink(socket, {
    ...{ pingMs, blockedMs, clock },
    onMessage: (text) => takeMessage(text, credit),
  });
  const { range } = subscription;
  const framing = new MessageFraming(range.from, { place: range, asArrays });
  const forget = metrics.follower();
  const watching = patience([stopping, visitor.ended, link.gone]);
  let next = range.from;
  try {
    const { signal } = watching;
    for await (const sent of pieces(exchange, subscription, { framing, credit, signal })) {
      await link.send(sent.texts);
      for (const text of sent.texts) metrics.sentBytes("http", text.length);
      next = sent.next;
    }
    if (link.failure !== undefined) throw link.failure;
    demandCurrent(visitor);
    const [reason, code] = stopping.aborted
      ? ["stopping", CLOSE_GOING_AWAY] as const
      : ["complete", CLOSE_NORMAL] as const;
    link.end(noteText({ event: "end", reason, next }), { code, reason });
  } catch (error) {
    const told = toldError(error);
    const isBlocked = told.code === "request-timeout";
    if (isBlocked) {
      metrics.cut();
      notice(`${path}: ${describeFault(told)}`);
    } else streamFailed(exchange, error);
    const text = encodeUtf8(`{"event":"error","error":${problemJson(told)}}`);
    link.end(text, { code: closeCodeOf(told), reason: told.code });
  } finally {
    watching.release();
    forget();
  }
}

const message = z.strictObject({ credit: z.int().min(1).max(SOCKET_CREDIT_MAX) });

function takeMessage(text: string, credit: Credit | undefined): void {
  const { credit: records } = checked(message, JSON.parse(text), "the message");
  if (credit === undefined) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot take credit: this subscription has none; add ?credit=N to its URL",
    );
  }
  credit.add(records);
}
