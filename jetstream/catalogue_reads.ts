/**
 * Reads the stream of the catalogue forwards in time. A server that has led it for a moment, or does not
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
  /**
   * How long something older has to be told until it is believed: the stream was set back, as by a
   * restore from a backup.
   */
  readonly believedAfterMs: number;
}

const PAUSE_MS = 50;

/** Reads of one catalogue by one backend. */
export class CatalogueReads {
  readonly #parts: CatalogueReadsParts;
  /** When the stream was made. */
  #created: string | undefined;
  /** The last message of the stream that was heard of. */
  #end = 0;
  /** The last one of each subject. */
  readonly #sequences = new Map<string, number>();

  constructor(parts: CatalogueReadsParts) {
    this.#parts = parts;
  }

  /** Notes a message that was stored. */
  note(subject: string, sequence: number): void {
    this.#end = Math.max(this.#end, sequence);
    this.#sequences.set(subject, Math.max(this.#sequences.get(subject) ?? 0, sequence));
  }

  /**
   * The stream, with how many messages each of these subjects has; `undefined` when there is none.
   *
   * @throws {SeglogError} `unavailable`
   */
  async info(subjects?: string): Promise<StreamInfo | undefined> {
    const { streams, stream } = this.#parts;
    const doubt = new Doubt(this.#parts);
    for (;;) {
      const known = this.#end;
      const info = await streams.info(stream, subjects);
      const isOther = info === undefined ||
        (this.#created !== undefined && this.#created !== info.created);
      const isLower = !isOther && info.state.last_seq < known;
      if (isLower && !doubt.isOver()) {
        await sleep(PAUSE_MS);
        continue;
      }
      if (isOther || isLower) this.#forget();
      if (info === undefined) return undefined;
      this.#created = info.created;
      this.#end = Math.max(this.#end, info.state.last_seq);
      return info;
    }
  }

  /**
   * The subjects of which there are messages. Throws as {@linkcode CatalogueReads.info}.
   *
   * @param every matches all that are read
   */
  async subjects(every: string): Promise<string[]> {
    const info = await this.info(every);
    if (info === undefined) return [];
    const { last_seq: end, subjects = {} } = info.state;
    for (const [subject, sequence] of this.#sequences) {
      if (sequence <= end && !Object.hasOwn(subjects, subject)) this.#sequences.delete(subject);
    }
    const listed = Object.keys(subjects);
    // Of one that nobody has read here yet, it is known that there is a message.
    for (const subject of listed) {
      if (!this.#sequences.has(subject)) this.#sequences.set(subject, 1);
    }
    return listed;
  }

  /** The last message of a subject, if any. Throws as {@linkcode CatalogueReads.info}. */
  async last(subject: string): Promise<RawMessage | undefined> {
    const { streams, stream } = this.#parts;
    const doubt = new Doubt(this.#parts);
    for (;;) {
      const known = this.#sequences.get(subject) ?? 0;
      const found = await streams.message(stream, { last_by_subj: subject });
      if (found === "no stream") {
        this.#forget();
        return undefined;
      }
      const isOlder = found === undefined
        ? known > 0 && !await this.#isGone(subject)
        : found.seq < known;
      if (isOlder && !doubt.isOver()) {
        if (found !== undefined) await this.info(); // it may be another stream by now
        await sleep(PAUSE_MS);
        continue;
      }
      if (isOlder) this.#forget();
      if (isOlder && found === undefined) this.#sequences.set(subject, 0); // it is not doubted again
      if (found !== undefined) this.note(subject, found.seq);
      return found;
    }
  }

  /** By one answer of who has all that was heard of. */
  async #isGone(subject: string): Promise<boolean> {
    const info = await this.info(subject);
    const isThere = info !== undefined && (info.state.subjects?.[subject] !== undefined ||
      (this.#sequences.get(subject) ?? 0) > info.state.last_seq); // it came since
    if (!isThere) this.#sequences.delete(subject);
    return !isThere;
  }

  /** Nothing is known of a stream that is another one, or was set back. */
  #forget(): void {
    this.#created = undefined;
    this.#end = 0;
    this.#sequences.clear();
  }
}

/** Something older is not believed at once. */
class Doubt {
  readonly #believedAfterMs: number;
  #endMs: number | undefined;

  constructor({ believedAfterMs }: CatalogueReadsParts) {
    this.#believedAfterMs = believedAfterMs;
  }

  /** Whether that was told for long: from when this is asked for the first time. */
  isOver(): boolean {
    this.#endMs ??= Date.now() + this.#believedAfterMs;
    return Date.now() >= this.#endMs;
  }
}
