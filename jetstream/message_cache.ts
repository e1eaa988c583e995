/**
 * Messages that were read lately. A message never changes, and no number is used twice, but where a
 * stream was set back to what it was before.
 *
 * @module
 */
import type { StoredMessage } from "./stored_message.ts";

/** Bytes that are kept, of all partitions together. */
const BYTES_MAX = 16 * 1024 * 1024;
/** What a message costs besides its content, about. */
const MESSAGE_BYTES = 512;

/** The least recently read go first. */
export class MessageCache {
  readonly #messages = new Map<string, StoredMessage>();
  #bytes = 0;

  get(stream: string, sequence: number): StoredMessage | undefined {
    const key = `${stream} ${sequence}`;
    const message = this.#messages.get(key);
    if (message === undefined) return undefined;
    this.#messages.delete(key); // put back as the most recently read
    this.#messages.set(key, message);
    return message;
  }

  add(stream: string, message: StoredMessage): void {
    const key = `${stream} ${message.sequence}`;
    if (this.#messages.has(key)) return;
    this.#messages.set(key, message);
    this.#bytes += costOf(message);
    for (const [oldest, old] of this.#messages) {
      if (this.#bytes <= BYTES_MAX) break;
      this.#drop(oldest, old);
    }
  }

  /** Drops the messages of a stream. */
  forget(stream: string): void {
    for (const [key, message] of this.#messages) {
      if (key.startsWith(`${stream} `)) this.#drop(key, message);
    }
  }

  #drop(key: string, message: StoredMessage): void {
    this.#messages.delete(key);
    this.#bytes -= costOf(message);
  }
}

function costOf({ data }: StoredMessage): number {
  return MESSAGE_BYTES + data.length;
}
