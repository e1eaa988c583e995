/**
 * Reads the stream of the catalogue forwards in time. A server that leads it since a moment, or does not
 * any more, may not have yet, or never get, what another one has told of: what was seen once is not
 * unseen.
 *
 * @module
 */
import { sleep } from "../core/base/clock.ts";
import type { RawMessage } from "./stored_message.ts";
import type { StreamInfo, Streams } from "./streams.ts";

/** What it works with. */
export interface CatalogueReadsParts {
  readonly streams: Pick<Streams, "info" | "message">;
  /** Name of the stream. */
  readonly stream: string;
  /** How long a lower end has to be told until it is believed: the stream was restored from a backup. */
  readonly timeoutMs: number;
}

const PAUSE_MS = 50;

/** Reads of one catalogue by one backend. */
export class CatalogueReads {
  readonly #parts: CatalogueReadsParts;
  /** The last message of the stream that was heard of. */
  #end = 0;
  /** The last one of each subject. */
  readonly #sequences = new Map<string, number>();
  /** Since when a lower end is told. */
  #lowerSinceMs: number | undefined;

  constructor(parts: CatalogueReadsParts) {
    this.#parts = parts;
  }

  /** Notes a message that was stored. */
  note(subject: string, sequence: number): void {
    this.#end = Math.max(this.#end, sequence);
    this.#sequences.set(subject, sequence);
  }

  /** The stream, with how many messages each of these subjects has; `undefined` when there is none. */
  async info(subjects?: string): Promise<StreamInfo | undefined> {
    const { streams, stream } = this.#parts;
    for (;;) {
      const info = await streams.info(stream, subjects);
      const end = info?.state.last_seq ?? 0;
      const isSetBack = info === undefined || (end < this.#end && this.#isLowerForLong());
      if (isSetBack) this.#forget();
      if (end >= this.#end) {
        this.#end = end;
        this.#lowerSinceMs = undefined;
        return info;
      }
      await sleep(PAUSE_MS);
    }
  }

  /** The last message of a subject, if any. */
  async last(subject: string): Promise<RawMessage | undefined> {
    const { streams, stream } = this.#parts;
    for (let isSure = false;; isSure = true) {
      const found = await streams.message(stream, { last_by_subj: subject });
      if (found === "no stream") {
        this.#forget();
        return undefined;
      }
      if (isSure || (found?.seq ?? 0) >= (this.#sequences.get(subject) ?? 0)) {
        if (found === undefined) this.#sequences.delete(subject);
        else this.note(subject, found.seq);
        return found;
      }
      await this.info(); // resolves when who answers has what was heard of
    }
  }

  #isLowerForLong(): boolean {
    const nowMs = Date.now();
    this.#lowerSinceMs ??= nowMs;
    return nowMs - this.#lowerSinceMs >= this.#parts.timeoutMs;
  }

  #forget(): void {
    this.#end = 0;
    this.#sequences.clear();
    this.#lowerSinceMs = undefined;
  }
}
