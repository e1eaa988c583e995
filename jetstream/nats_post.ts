/**
 * How processes that use the same cluster ask each other: a subject for each, and an answer to every
 * request.
 *
 * @module
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { decodeUtf8, encodeUtf8 } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Post } from "../core/election/lease.ts";
import { tellFault } from "../core/election/told_fault.ts";
import type { Connection } from "./connection.ts";
import { asSeglogError, didNothing, isDenied } from "./nats_errors.ts";
import { nodeSubject } from "./stream_names.ts";

/** From where on what is sent is compressed. */
const SMALL_BYTES = 16 * 1024;
/** Largest text that is taken, uncompressed. */
const TEXT_BYTES_MAX = 64 * 1024 * 1024;
/** What gzip begins with, and JSON does not. */
const GZIP_BYTE = 0x1f;

/** Letters by way of a cluster. */
export class NatsPost implements Post {
  readonly address: string;
  readonly #connection: Connection;

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.address = nodeSubject(prefix, crypto.randomUUID());
  }

  receive(answer: (letter: unknown) => Promise<unknown>): () => void {
    const subscription = this.#connection.subscribe(this.address, async (error, message) => {
      if (error !== null) return; // the connection is told of it, too
      message.respond(await this.#answerTo(message.data, answer));
    });
    return () => subscription.unsubscribe();
  }

  async send(
    address: string,
    letter: unknown,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<unknown> {
    const payload = this.#packed(letter);
    const ended = Promise.withResolvers<never>();
    const end = () => ended.reject(unanswered("the waiting was ended"));
    signal?.addEventListener("abort", end, { once: true });
    try {
      await this.#connection.connected(Date.now() + timeoutMs);
      const asking = this.#connection.ask(address, { payload, timeoutMs });
      asking.catch(() => {}); // where nobody waits for it any more
      return unpacked(await Promise.race([asking, ended.promise]));
    } catch (error) {
      if (error instanceof SeglogError) throw error;
      if (didNothing(error) || isDenied(error)) throw asSeglogError(error, "ask another process");
      throw unanswered("no answer came in time", error);
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }

  async #answerTo(
    data: Uint8Array,
    answer: (letter: unknown) => Promise<unknown>,
  ): Promise<Uint8Array> {
    try {
      return this.#packed(await answer(unpacked(data)));
    } catch (error) {
      return this.#packed({ fault: tellFault(error) });
    }
  }

  /** @throws {SeglogError} `too-large` */
  #packed(letter: unknown): Uint8Array {
    const plain = encodeUtf8(JSON.stringify(letter));
    const bytes = plain.length < SMALL_BYTES ? plain : gzipSync(plain);
    const { payloadBytesMax } = this.#connection;
    if (bytes.length <= payloadBytesMax) return bytes;
    throw new SeglogError(
      "too-large",
      `Cannot send ${bytes.length} bytes to another process: the servers take ${payloadBytesMax}; raise their max_payload`,
    );
  }
}

function unpacked(data: Uint8Array): unknown {
  const plain = data[0] === GZIP_BYTE
    ? gunzipSync(data, { maxOutputLength: TEXT_BYTES_MAX })
    : data;
  return JSON.parse(decodeUtf8(plain));
}

function unanswered(why: string, cause?: unknown): SeglogError {
  return new SeglogError("outcome-unknown", `Cannot tell what another process did: ${why}`, {
    cause,
  });
}
