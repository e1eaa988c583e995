/**
 * Messages of a stream in order, those that are there and those that come: by a consumer that
 * JetStream keeps in memory as long as it is asked. Sequences have no gaps, so whatever gets lost on
 * the way is seen at the next message, or at the next sign of life where none follows, and another
 * consumer goes on there.
 *
 * @module
 */
import type { Msg } from "@nats-io/transport-node";
import { randomBytes } from "node:crypto";
import { encodeUtf8 } from "../core/base/bytes.ts";
import { sleep } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import { Tail } from "../core/base/tail.ts";
import type { Connection } from "./connection.ts";
import { asSeglogError, hasNumber, NUMBERS, Unanswered } from "./nats_errors.ts";
import { type StoredMessage, storedMessage } from "./stored_message.ts";

/** What a feed is of. */
export interface FeedRange {
  readonly stream: string;
  /** Names the log in errors. */
  readonly what: string;
  /** Number of the first message. */
  readonly from: number;
  /** Ends the feed quietly. */
  readonly signal: AbortSignal;
}

const MESSAGES_AT_ONCE = 1000;
/** Bytes that are asked for at once, where messages are not larger. */
const BYTES_AT_ONCE = 8 * 1024 * 1024;
const NANOS = 1_000_000;
/** How long one request for messages stays open. */
const EXPIRES_MS = 30_000;
/**
 * How often the server says that it is there, while there is nothing else to say. A consumer ends with
 * its server, and nobody tells: so long, and a bit, copies stand still when one is lost.
 */
const HEARTBEAT_MS = 2000;
/** How long without a word until another consumer is made. */
const SILENCE_MS = 2 * HEARTBEAT_MS + 1000;
/** How long the server keeps a consumer of which it hears nothing. */
const INACTIVE_MS = 60_000;
/**
 * How long the first consumer is waited for. A cluster gives each to one of its servers, and may give it
 * to one that was lost just now: nobody answers then, and the next one is given to another.
 */
const PLACE_MS = 2000;
const PAUSE_MS = 50;
const TOKENS_V1 = 9;
const SENT_HEADER = "Nats-Last-Consumer";

/**
 * All messages from a number on. Where messages were removed before they were read, the next one that
 * is there follows.
 *
 * @throws {SeglogError} `not-found` when the stream was deleted; `unavailable`
 */
export async function* messageFeed(
  connection: Connection,
  range: FeedRange,
): AsyncGenerator<StoredMessage, void, undefined> {
  let next = range.from;
  let patience: Patience | undefined;
  while (!range.signal.aborted) {
    const pull = new Pull(connection, { ...range, from: next });
    try {
      patience ??= new Patience(connection.timeoutMs);
      await pull.start(patience.next());
      patience = undefined;
      for await (const message of pull.messages()) {
        next = message.sequence + 1;
        yield message;
      }
    } catch (error) {
      if (!(error instanceof Unanswered) || patience?.isOver !== false) throw error;
    } finally {
      pull.end();
    }
    await sleep(PAUSE_MS, range.signal);
  }
}

/** How long consumers are waited for until one is there: each longer than the one before it. */
class Patience {
  readonly #endMs: number;
  #placeMs = PLACE_MS;

  /** @param timeoutMs for all of them together */
  constructor(timeoutMs: number) {
    this.#endMs = Date.now() + timeoutMs;
  }

  get isOver(): boolean {
    return Date.now() >= this.#endMs;
  }

  /** The time of the next one, in milliseconds. */
  next(): number {
    const ms = Math.min(this.#placeMs, this.#endMs - Date.now());
    this.#placeMs *= 2;
    return ms;
  }
}

/** One consumer, until something is wrong with it. */
class Pull {
  readonly #connection: Connection;
  readonly #range: FeedRange;
  readonly #consumer = `seglog_${randomBytes(12).toString("hex")}`;
  readonly #inbox = `_INBOX.${this.#consumer}`;
  readonly #news = new Tail();
  readonly #queue: Msg[] = [];
  readonly #endings: (() => void)[] = [];
  /** Messages that were asked for and may still come. */
  #asked = 0;
  /** Messages that came. */
  #got = 0;
  /** Bytes that are asked for at once. */
  #bytes: number;
  #isOver = false;
  #isEnded = false;
  #heardMs = 0;

  constructor(connection: Connection, range: FeedRange) {
    this.#connection = connection;
    this.#range = range;
    this.#bytes = Math.max(BYTES_AT_ONCE, 2 * connection.payloadBytesMax);
  }

  /** @throws {Unanswered} when nobody answers in time; {@linkcode SeglogError} */
  async start(timeoutMs: number): Promise<void> {
    const { stream, from, what, signal } = this.#range;
    const end = () => this.end(); // also where nobody asks for the next message any more
    signal.addEventListener("abort", end, { once: true });
    this.#endings.push(() => signal.removeEventListener("abort", end));
    const body = {
      stream_name: stream,
      action: "create",
      config: {
        name: this.#consumer,
        deliver_policy: "by_start_sequence",
        opt_start_seq: Math.max(1, from),
        ack_policy: "none",
        max_deliver: 1,
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: INACTIVE_MS * NANOS,
      },
    };
    const action = `follow ${what}`;
    try {
      const subject = `CONSUMER.CREATE.${stream}.${this.#consumer}`;
      await this.#connection.call(subject, body, { action, timeoutMs });
    } catch (error) {
      if (signal.aborted) return;
      if (!hasNumber(error, NUMBERS.streamNotFound)) throw asSeglogError(error, action);
      throw new SeglogError("not-found", `Cannot ${action}: its topic was deleted`);
    }
    if (!signal.aborted) this.#listen();
  }

  async *messages(): AsyncGenerator<StoredMessage, void, undefined> {
    const { stream } = this.#range;
    let expected: number | undefined;
    for (;;) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        const sequence = sequenceOf(message);
        // The first one may be later than asked, where a truncation was there; no other may be.
        if (expected !== undefined && sequence !== expected) return;
        expected = sequence + 1;
        yield storedMessage(stream, {
          sequence,
          header: (name) => message.headers?.get(name) || undefined,
          data: message.data,
        });
      } else if (this.#isOver) return;
      else {
        if (this.#asked <= 0) this.#ask();
        await this.#news.wait();
      }
    }
  }

  /** Gives everything back, once. */
  end(): void {
    this.#over();
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const end of this.#endings) end();
    const { stream } = this.#range;
    const subject = `$JS.API.CONSUMER.DELETE.${stream}.${this.#consumer}`;
    // Where that is not heard, the consumer ends by itself.
    try {
      this.#connection.publish(subject, new Uint8Array(0), `${this.#inbox}.end`);
    } catch { // the connection is closed
    }
  }

  #listen(): void {
    this.#heardMs = Date.now();
    const subscription = this.#connection.subscribe(this.#inbox, (error, message) => {
      if (error !== null) return this.#over();
      this.#take(message);
    });
    const timer = setInterval(() => {
      if (Date.now() - this.#heardMs > SILENCE_MS) this.#over();
    }, HEARTBEAT_MS);
    this.#endings.push(
      () => subscription.unsubscribe(),
      () => clearInterval(timer),
      this.#connection.onLost(() => this.#over()),
    );
  }

  #ask(): void {
    const request = {
      batch: MESSAGES_AT_ONCE,
      max_bytes: this.#bytes,
      expires: EXPIRES_MS * NANOS,
      idle_heartbeat: HEARTBEAT_MS * NANOS,
    };
    this.#asked = MESSAGES_AT_ONCE;
    const { stream } = this.#range;
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#consumer}`;
    this.#connection.publish(subject, encodeUtf8(JSON.stringify(request)), this.#inbox);
  }

  #take(message: Msg): void {
    this.#heardMs = Date.now();
    const code = message.headers?.code ?? 0;
    if (code === 0) {
      this.#asked--;
      this.#got++;
      this.#queue.push(message);
    } else if (code === 100) { // a sign of life, which tells how many messages were sent
      if (Number(message.headers!.get(SENT_HEADER)) <= this.#got) return;
      this.#isOver = true;
    } else if (
      code === 408 || /batch completed|size exceeds maxbytes/i.test(message.headers!.description)
    ) {
      // The next one may be larger than what the servers take by now.
      if (code !== 408 && this.#asked === MESSAGES_AT_ONCE) this.#bytes *= 2;
      this.#asked = 0;
    } else this.#isOver = true; // no leader, no consumer
    this.#news.wake();
  }

  #over(): void {
    this.#isOver = true;
    this.#news.wake();
  }
}

/** The number of a message in its stream, which its reply subject tells. */
function sequenceOf({ reply = "" }: Msg): number {
  const tokens = reply.split("."); // $JS.ACK.stream.consumer.…, with a domain and an account later on
  return Number(tokens[tokens.length === TOKENS_V1 ? 5 : 7]);
}
