/**
 * The stream of one partition: its last message, which tells the state of the log, and any other.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { EMPTY_STATE, type LogState } from "./log_state.ts";
import type { MessageCache } from "./message_cache.ts";
import { type WholeMessage, wholeMessage } from "./message_content.ts";
import { fromRaw, type RawMessage, type StoredMessage } from "./stored_message.ts";
import type { PartitionNames } from "./stream_names.ts";
import type { MessageQuery, Streams } from "./streams.ts";
import { Waypoints } from "./waypoints.ts";

/** The end of a stream. */
export interface Tip {
  /** Number of its last message; 0 when it never had one. */
  readonly sequence: number;
  /** The log behind it. */
  readonly state: LogState;
}

/** What a stream works with. */
export interface PartitionStreamParts {
  readonly streams: Streams;
  readonly names: PartitionNames;
  readonly cache: MessageCache;
  /** Names the log in errors. */
  readonly what: string;
  /** How long a request is tried. */
  readonly timeoutMs: number;
}

/** How long it is believed that a stream does not lose its end. */
const BELIEVED_MS = 5000;

/** Reads single messages of one partition. */
export class PartitionStream {
  readonly names: PartitionNames;
  /** Names the log in errors. */
  readonly what: string;
  readonly streams: Streams;
  readonly #cache: MessageCache;
  /** What is known of where offsets are. */
  readonly waypoints: Waypoints = new Waypoints();
  /** The end, as it was when somebody looked last. */
  #tip: Tip | undefined;
  /** Until when it is believed that the stream was not set back to before that. */
  #believedMs = 0;
  /** Since when a lower end than the known one is told. */
  #lowerSinceMs: number | undefined;
  readonly #timeoutMs: number;

  constructor({ streams, names, cache, what, timeoutMs }: PartitionStreamParts) {
    this.#timeoutMs = timeoutMs;
    this.streams = streams;
    this.names = names;
    this.what = what;
    this.#cache = cache;
  }

  /**
   * The end as it is now.
   *
   * @throws {SeglogError} `not-found` when the stream is gone; `corrupt` when messages are that
   * nobody of ours removed
   */
  async tip(): Promise<Tip> {
    const known = this.#tip;
    // To find nothing behind the last one costs less than the last one, which may be large.
    const isBelieved = known !== undefined && Date.now() < this.#believedMs;
    if (isBelieved && await this.first(known.sequence + 1) === undefined) {
      this.#lowerSinceMs = undefined;
      return known;
    }
    const last = await this.#raw({ last_by_subj: this.names.every });
    const tip = last === undefined
      ? await this.#emptyTip()
      : tipAt(fromRaw(this.names.stream, last));
    if (known !== undefined && tip.sequence < known.sequence) {
      if (!this.#isSetBack()) return known;
      this.#forget();
    }
    this.#lowerSinceMs = undefined;
    this.#believedMs = Date.now() + BELIEVED_MS;
    if (last !== undefined) this.#keep(last);
    this.noteTip(tip);
    return tip;
  }

  /** Notes an end that was heard of, unless one behind it is known. */
  noteTip(tip: Tip): void {
    if (this.#tip !== undefined && tip.sequence <= this.#tip.sequence) return;
    this.#tip = tip;
    this.#believedMs = Date.now() + BELIEVED_MS;
  }

  /** Notes that something is wrong with the end that is known. */
  doubtTip(): void {
    this.#believedMs = 0;
  }

  /** The message with this number, or `undefined`. Throws as {@linkcode PartitionStream.tip}. */
  async at(sequence: number): Promise<StoredMessage | undefined> {
    const known = this.#cache.get(this.names.stream, sequence);
    if (known !== undefined) return known;
    const found = await this.#raw({ seq: sequence });
    return found === undefined ? undefined : this.#keep(found);
  }

  /** The first message that is there, from a number on. */
  async first(from = 1): Promise<StoredMessage | undefined> {
    const found = await this.#raw({ seq: from, next_by_subj: this.names.every });
    return found === undefined ? undefined : this.#keep(found);
  }

  /** The last message of one of its subjects. */
  async lastOf(subject: string): Promise<StoredMessage | undefined> {
    const found = await this.#raw({ last_by_subj: subject });
    return found === undefined ? undefined : this.#keep(found);
  }

  /** A message with the pieces that belong to it. @throws {SeglogError} `corrupt` when one is gone */
  async whole(message: StoredMessage): Promise<WholeMessage> {
    const { sequence, head } = message;
    const pieces = await Promise.all(
      Array.from({ length: head.pieces - 1 }, (_, i) => this.at(sequence - head.pieces + 1 + i)),
    );
    const found = pieces.filter((piece) => piece !== undefined);
    if (found.length < pieces.length) {
      throw await this.lack(`pieces of message ${sequence} are gone`);
    }
    return wholeMessage(this.what, message, found);
  }

  /** The error for a stream that is not there: with its topic, as a rule. */
  gone(): SeglogError {
    const { stream } = this.names;
    return new SeglogError("not-found", `Cannot find ${this.what}: its stream was deleted`, {
      details: { stream },
    });
  }

  /** The error for what has to be there and is not: who answers may be behind what is known. */
  async lack(why: string): Promise<SeglogError> {
    const info = await this.streams.info(this.names.stream);
    if (info === undefined) return this.gone();
    const known = this.#tip?.sequence ?? 0;
    if (info.state.last_seq >= known) return this.damage(why);
    return new SeglogError(
      "unavailable",
      `Cannot read ${this.what}: the server that answers has message ${info.state.last_seq}, and ` +
        `${known} was there already; try again`,
    );
  }

  /** The error for a stream that is not as seglog left it. */
  damage(why: string): SeglogError {
    return new SeglogError(
      "corrupt",
      `Cannot read ${this.what}: ${why}. Something other than seglog changed stream ` +
        `${this.names.stream}; restore it from a backup, or delete the topic`,
    );
  }

  /**
   * Whether a lower end was told for as long as a request is tried. Until then it may come from a
   * leader that was replaced and does not know: what was seen once is not unseen.
   */
  #isSetBack(): boolean {
    const nowMs = Date.now();
    this.#lowerSinceMs ??= nowMs;
    return nowMs - this.#lowerSinceMs >= this.#timeoutMs;
  }

  /** The stream was lost, in part, or restored from a backup: what was behind is not what was known. */
  #forget(): void {
    this.#tip = undefined;
    this.#cache.forget(this.names.stream);
    this.waypoints.clear();
  }

  #keep(message: RawMessage): StoredMessage {
    const stored = fromRaw(this.names.stream, message);
    this.#cache.add(this.names.stream, stored);
    this.waypoints.add(stored);
    this.noteTip(tipAt(stored));
    return stored;
  }

  async #raw(query: MessageQuery): Promise<RawMessage | undefined> {
    const found = await this.streams.message(this.names.stream, query);
    if (found !== "no stream") return found;
    throw this.gone();
  }

  /** The end of a stream in which there is nothing: it never was, or all of it was removed. */
  async #emptyTip(): Promise<Tip> {
    const info = await this.streams.info(this.names.stream);
    if (info === undefined) throw this.gone();
    const { messages, last_seq } = info.state;
    if (last_seq === 0) return { sequence: 0, state: EMPTY_STATE };
    if (messages > 0) return await this.tip(); // it came just now
    throw this.damage(`all of its ${last_seq} messages are gone`);
  }
}

/** The end of a stream of which this is the last message. */
export function tipAt({ sequence, head }: StoredMessage): Tip {
  return { sequence, state: head.state };
}
