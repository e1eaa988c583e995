/**
 * What a client sends on one call, a whole message at a time: bounded in bytes and in time while it
 * arrives, and counted against the server's budget before memory is taken for it.
 *
 * ```text
 * | flags: 1 byte | length: 4 bytes, big-endian | message |  | flags | length | message | …
 * ```
 *
 * @module
 */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ByteWriter, dataViewOf } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import type { BodyBudget } from "../body_budget.ts";
import { bodyTooLarge } from "../request_body.ts";
import { endedBy, statusOf } from "./status.ts";

const HEAD_BYTES = 5;
const COMPRESSED_FLAG = 1;
const unzip = promisify(gunzip);

/** How messages come in. */
export interface IntakeOptions {
  /** Whether each message has its length before it; otherwise the body is one message. */
  readonly isEnveloped: boolean;
  /** Whether messages may be compressed with gzip. */
  readonly isZipped: boolean;
  readonly bytesMax: number;
  readonly budget: BodyBudget;
  /** Is told of the bytes that come, as they come. */
  readonly onBytes: (bytes: number) => void;
  /** Bytes of the whole body, where they are announced. */
  readonly announced?: number | undefined;
  /** Longest time for a message to arrive when it has begun. */
  readonly ms: number;
  /** Longest time until the next one begins; without limit unless given. */
  readonly silenceMs?: number | undefined;
}

/** The messages of one call, for whoever iterates over it: once. */
export class Intake implements AsyncIterable<Uint8Array> {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #options: IntakeOptions;
  #signal: AbortSignal | undefined;
  /** Bytes that came and were not used. */
  #rest: Uint8Array = new Uint8Array(0);
  #taken = 0;

  constructor(chunks: AsyncIterable<Uint8Array>, options: IntakeOptions) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#options = options;
  }

  /** Ends the waiting for messages when a call does: its deadline is known only when it has begun. */
  endWith(signal: AbortSignal): void {
    this.#signal = signal;
  }

  /** Each message as it is taken apart next, its head included. @throws {ConnectError} */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (!this.#options.isEnveloped) return yield await this.#body();
      for (;;) {
        const message = await this.#message();
        if (message === undefined) return;
        yield message;
        this.#giveBack(); // whoever asks for the next one has used this
      }
    } catch (error) {
      throw statusOf(error);
    } finally {
      this.#giveBack();
    }
  }

  async #message(): Promise<Uint8Array | undefined> {
    const { bytesMax, ms, silenceMs } = this.#options;
    if (this.#rest.length === 0) {
      const chunk = await this.#next(silenceMs);
      if (chunk === undefined) return undefined;
      this.#rest = chunk;
    }
    const endMs = performance.now() + ms;
    const head = await this.#read(HEAD_BYTES, new Uint8Array(HEAD_BYTES), endMs);
    const length = dataViewOf(head).getUint32(1);
    if (length > bytesMax) throw bodyTooLarge(bytesMax, "a message");
    this.#take(length);
    const message = new Uint8Array(HEAD_BYTES + length);
    message.set(head);
    await this.#read(length, message.subarray(HEAD_BYTES), endMs);
    const isZipped = this.#options.isZipped && (head[0]! & COMPRESSED_FLAG) !== 0;
    return isZipped ? await this.#unzippedMessage(message) : message;
  }

  /** The whole body: without a length before it, that is known at its end. */
  async #body(): Promise<Uint8Array> {
    const { announced = 0, bytesMax, ms, isZipped } = this.#options;
    if (announced > bytesMax) throw bodyTooLarge(bytesMax, "a message");
    const endMs = performance.now() + ms;
    const body = new ByteWriter();
    for (let chunk; (chunk = await this.#next(endMs - performance.now())) !== undefined;) {
      this.#take(chunk.length);
      if (body.length + chunk.length > bytesMax) throw bodyTooLarge(bytesMax, "a message");
      body.bytes(chunk);
    }
    const bytes = body.subarray(0, body.length);
    return isZipped && bytes.length > 0 ? await this.#unzipped(bytes) : bytes;
  }

  /** Fills `target` with the next bytes, of which there must be as many. */
  async #read(length: number, target: Uint8Array, endMs: number): Promise<Uint8Array> {
    for (let filled = 0; filled < length;) {
      if (this.#rest.length === 0) {
        const chunk = await this.#next(endMs - performance.now());
        if (chunk === undefined) {
          throw new SeglogError("invalid-argument", "Cannot read a message: it ended early");
        }
        this.#rest = chunk;
      }
      const part = this.#rest.subarray(0, length - filled);
      target.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return target;
  }

  /** What comes next, not empty; `undefined` at the end. */
  async #next(ms: number | undefined): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#inTime(this.#chunks.next(), ms);
      if (this.#signal?.aborted) throw endedBy(this.#signal); // what was cut off looks like the end
      if (done) return undefined;
      if (value.length === 0) continue;
      this.#options.onBytes(value.length);
      return value;
    }
  }

  #inTime<Result>(promise: Promise<Result>, ms: number | undefined): Promise<Result> {
    const signal = this.#signal;
    return new Promise((resolve, reject) => {
      const end = () => reject(endedBy(signal!));
      if (signal?.aborted) return end();
      const timer = ms === undefined ? undefined : setTimeout(() => {
        reject(
          new SeglogError(
            "request-timeout",
            "Cannot wait longer for a message: it did not arrive in time; send it again",
          ),
        );
      }, Math.max(0, ms));
      signal?.addEventListener("abort", end, { once: true });
      promise.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
      });
    });
  }

  /** The same message as it would have come without compression. */
  async #unzippedMessage(message: Uint8Array): Promise<Uint8Array> {
    const content = message.subarray(HEAD_BYTES);
    const plain = content.length === 0 ? content : await this.#unzipped(content);
    const whole = new Uint8Array(HEAD_BYTES + plain.length);
    whole[0] = message[0]! & ~COMPRESSED_FLAG;
    dataViewOf(whole).setUint32(1, plain.length);
    whole.set(plain, HEAD_BYTES);
    return whole;
  }

  /** A few bytes may unpack to as many as are allowed: those are counted before it is tried. */
  async #unzipped(bytes: Uint8Array): Promise<Uint8Array> {
    const { bytesMax, budget } = this.#options;
    this.#take(bytesMax);
    let length = bytesMax;
    try {
      const plain = await unzip(bytes, { maxOutputLength: bytesMax });
      length = plain.length;
      return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
    } catch (cause) {
      const code = (cause as { code?: unknown }).code;
      if (code === "ERR_BUFFER_TOO_LARGE") throw bodyTooLarge(bytesMax, "a message");
      throw new SeglogError("invalid-argument", "Cannot unpack a message: it is not gzip", {
        cause,
      });
    } finally {
      budget.give(bytesMax - length);
      this.#taken -= bytesMax - length;
    }
  }

  #take(bytes: number): void {
    this.#options.budget.take(bytes);
    this.#taken += bytes;
  }

  #giveBack(): void {
    this.#options.budget.give(this.#taken);
    this.#taken = 0;
  }
}
