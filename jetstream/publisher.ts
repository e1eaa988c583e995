/**
 * Publishes a message at the end of a stream, there or nowhere: with the stream's last sequence as its
 * condition, and an id, so that trying again never makes two of it.
 *
 * @module
 */
import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { randomBytes } from "node:crypto";
import { sleep } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { Connection } from "./connection.ts";
import { answerOf } from "./connection.ts";
import {
  encodeHead,
  encodeProducerState,
  HEAD_HEADER,
  ID_HEADER,
  PRODUCER_HEADER,
} from "./log_state.ts";
import { ApiError, asSeglogError, isFinal, isUnheard, lastSequenceIn } from "./nats_errors.ts";
import type { PartitionStream, Tip } from "./partition_stream.ts";
import type { PlannedMessage } from "./plan_message.ts";
import type { StoredMessage } from "./stored_message.ts";
import { producerSubject } from "./stream_names.ts";

/** Bytes of a message that are left to its headers. */
const HEADER_BYTES = 4096;
const TRY_MS = 5000;
const PAUSE_MS = 20;
const PAUSE_MS_MAX = 500;

/** One message, or one piece of one. */
interface Envelope {
  readonly subject: string;
  readonly id: string;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/** Publishes to one stream. */
export class Publisher {
  readonly #stream: PartitionStream;
  readonly #connection: Connection;

  constructor(stream: PartitionStream, connection: Connection) {
    this.#stream = stream;
    this.#connection = connection;
  }

  /** Bytes that go into one message. */
  get bytesMax(): number {
    return Math.max(HEADER_BYTES, this.#connection.payloadBytesMax - HEADER_BYTES);
  }

  /**
   * Publishes a message, in pieces where it is too large for one.
   *
   * @returns the end behind it; `undefined` when nothing of it counts, as somebody else was there first
   * or it is too large by now
   * @throws {SeglogError} `outcome-unknown` when the time is used up and it may still be stored, or
   * what it was refused for
   */
  async publish(message: PlannedMessage, tip: Tip): Promise<Tip | undefined> {
    const deadlineMs = Date.now() + this.#connection.timeoutMs;
    let { sequence } = tip;
    for (const envelope of this.#envelopes(message, tip)) {
      const stored = await this.#publishOne(envelope, sequence, deadlineMs);
      if (stored === undefined) return undefined;
      sequence = stored;
    }
    return { sequence, state: message.state };
  }

  #envelopes(message: PlannedMessage, tip: Tip): Envelope[] {
    const { data, baseOffset, state, gap, producer } = message;
    const { names } = this.#stream;
    const id = randomBytes(12).toString("base64url");
    const pieces = Math.max(1, Math.ceil(data.length / this.bytesMax));
    return Array.from({ length: pieces }, (_, i) => {
      const isPiece = i < pieces - 1;
      const headers = newHeaders();
      const head = isPiece
        ? { baseOffset: tip.state.nextOffset, state: tip.state, pieces, isPiece }
        : { baseOffset, state, pieces, isPiece, ...gap === undefined ? {} : { gap } };
      headers.set(HEAD_HEADER, encodeHead(head));
      headers.set(ID_HEADER, `${id}.${i}`);
      headers.set("Nats-Expected-Stream", names.stream);
      if (!isPiece && producer !== undefined) {
        headers.set(PRODUCER_HEADER, encodeProducerState(producer));
      }
      const subject = isPiece
        ? names.piece
        : message.isControl
        ? names.control
        : producer === undefined
        ? names.plain
        : producerSubject(names, producer.id);
      const part = data.subarray(i * this.bytesMax, (i + 1) * this.bytesMax);
      return { subject, id: `${id}.${i}`, headers, data: part };
    });
  }

  /**
   * Only what the stream has at the next sequence tells what became of a message. An answer that turns
   * it away does not: for some seconds a leader that was replaced may answer, too, and be faster than
   * the one that stores the message.
   *
   * @returns its sequence; `undefined` when another message has it, or this one has to be made anew
   */
  async #publishOne(
    { subject, id, headers, data }: Envelope,
    last: number,
    deadlineMs: number,
  ): Promise<number | undefined> {
    headers.set("Nats-Expected-Last-Sequence", String(last));
    let mayBeStored = false;
    for (let pauseMs = PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
      let isAsked = false;
      try {
        await this.#connection.connected(deadlineMs);
        // The servers may take less than before they were started again: it has to be cut anew.
        if (data.length > this.bytesMax && !mayBeStored) return undefined;
        isAsked = true;
        const timeoutMs = Math.min(TRY_MS, deadlineMs - Date.now());
        const asked = this.#connection.ask(subject, { payload: data, headers, timeoutMs });
        return answerOf<{ seq: number }>(await asked).seq;
      } catch (error) {
        const wasOnItsWay = mayBeStored;
        mayBeStored ||= isAsked && !isUnheard(error);
        if (error instanceof ApiError) {
          const next = await this.#next(last + 1);
          if (next?.sequence === last + 1) return next.id === id ? last + 1 : undefined;
          if (next !== undefined) { // what was there is removed already
            if (!wasOnItsWay && lastSequenceIn(error) > last) return undefined;
            throw this.#refusal(new Error("records were removed meanwhile"), true);
          }
        }
        if (isFinal(error)) throw this.#refusal(error, wasOnItsWay);
        if (await this.#isGone(error)) throw this.#stream.gone();
        if (Date.now() + pauseMs >= deadlineMs) throw this.#refusal(error, mayBeStored);
      }
      await sleep(pauseMs);
    }
  }

  /** The first message from a number on; nothing as well while nobody can tell. */
  async #next(sequence: number): Promise<StoredMessage | undefined> {
    try {
      return await this.#stream.first(sequence);
    } catch (error) {
      if (error instanceof SeglogError && error.retryable) return undefined;
      // A message that is none of ours has the place: then ours has not.
      if (error instanceof SeglogError && error.code === "corrupt") throw error;
      throw this.#refusal(error, true);
    }
  }

  /** Nobody answers where a stream was deleted, and where it has no leader at the moment. */
  async #isGone(error: unknown): Promise<boolean> {
    if (!isUnheard(error)) return false;
    const { streams, names } = this.#stream;
    try {
      return await streams.message(names.stream, { seq: 1 }) === "no stream";
    } catch { // nobody can tell: the message is tried again as long as there is time
      return false;
    }
  }

  #refusal(error: unknown, mayBeStored: boolean): SeglogError {
    const { what } = this.#stream;
    if (!mayBeStored) return asSeglogError(error, `append to ${what}`);
    return new SeglogError(
      "outcome-unknown",
      `Cannot say whether the append to ${what} is stored: ${messageOf(error)}. ` +
        "It is there whole or not at all; look, or try again as a producer with the same sequence",
      { cause: error },
    );
  }
}
