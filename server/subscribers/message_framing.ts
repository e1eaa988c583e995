/**
 * Records and notes as messages of a WebSocket: JSON texts in the shape of a record, one a message or
 * as arrays; a note has a member `event`, which no record has.
 *
 * @module
 */
import { ByteWriter, encodeUtf8 } from "../../core/base/bytes.ts";
import type { LogRecord } from "../../core/format/record.ts";
import { type RecordPlace, ShapeWriter } from "../../core/format/write_shape.ts";
import type { Framing, Note } from "./pieces.ts";

/** Messages that are sent together. */
export interface Messages {
  readonly texts: readonly Uint8Array[];
  /** The offset to go on from behind them. */
  readonly next: number;
}

/** What the client is told at the end. */
export interface EndNote {
  readonly event: "end";
  readonly reason: "complete" | "stopping";
  /** The offset to go on from. */
  readonly next: number;
}

/** Puts messages together. */
export class MessageFraming implements Framing<Messages> {
  readonly #place: RecordPlace;
  readonly #asArrays: boolean;
  readonly #shapes = new ShapeWriter();
  /** The records of an array that is not closed. */
  readonly #array = new ByteWriter();
  #texts: Uint8Array[] = [];
  #bytes = 0;
  #next: number;

  /**
   * @param from the offset that comes first
   * @param options whether records are sent as arrays, with the place that they are from
   */
  constructor(from: number, options: { place: RecordPlace; asArrays: boolean }) {
    this.#next = from;
    this.#place = options.place;
    this.#asArrays = options.asArrays;
  }

  get length(): number {
    return this.#bytes + this.#array.length;
  }

  record(record: LogRecord): void {
    const isFirst = this.#array.length === 0;
    if (this.#asArrays) this.#array.text(isFirst ? "[" : ",\n");
    this.#shapes.write(this.#array, record, this.#place);
    if (!this.#asArrays) this.#push(this.#array.take());
    this.#next = record.offset + 1;
  }

  note(note: Note): void {
    this.#closeArray();
    this.#push(noteText(note));
    if (note.event === "lost") this.#next = note.end;
  }

  take(): Messages {
    this.#closeArray();
    const texts = this.#texts;
    this.#texts = [];
    this.#bytes = 0;
    return { texts, next: this.#next };
  }

  #closeArray(): void {
    if (this.#array.length === 0) return;
    this.#array.text("]");
    this.#push(this.#array.take());
  }

  #push(text: Uint8Array): void {
    this.#texts.push(text);
    this.#bytes += text.length;
  }
}

/** A note as a message. */
export function noteText(note: Note | EndNote): Uint8Array {
  return encodeUtf8(JSON.stringify(note));
}
