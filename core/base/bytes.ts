/**
 * Bytes: a growing writer with protobuf's variable-length integers, and the readers that match it.
 *
 * Varints are those of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/):
 * seven bits a byte, least significant first. Numbers are safe integers, so the arithmetic stays
 * in doubles where 32 bits are not enough.
 *
 * @module
 */
import { Buffer, isUtf8 } from "node:buffer";

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const TAG_BYTES_MAX = 5;
/** Characters up to which a loop is faster than a call into the runtime: measured on all three. */
const SHORT_TEXT = 24;
const TWO_32 = 2 ** 32;

/** No bytes. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** The UTF-8 bytes of `text`. */
export function encodeUtf8(text: string): Uint8Array {
  return textEncoder.encode(text);
}

/** The text of UTF-8 `bytes`; what is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return textDecoder.decode(bytes);
}

/** The text of UTF-8 `bytes`. @throws {RangeError} when they are not UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch (cause) {
    throw new RangeError("text is not UTF-8", { cause });
  }
}

/** Whether `bytes` are valid UTF-8. */
export function isValidUtf8(bytes: Uint8Array): boolean {
  return isUtf8(bytes);
}

/** Length of `text` in bytes of UTF-8. */
export function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text, "utf8");
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, "utf8");
  }
  return text.length;
}

/** Whether two runs of bytes are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Less than 0 when `a` comes before `b` byte by byte, more when behind it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** The bytes of all `parts`, one after another, in a new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = Buffer.concat(parts);
  return new Uint8Array(joined.buffer, joined.byteOffset, joined.length);
}

/** Bytes of an unsigned varint: 1 to 8. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** A signed integer as the unsigned one whose varint is short: 0, -1, 1, -2 become 0, 1, 2, 3. */
export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

/** The inverse of {@linkcode zigzag}. */
export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

/** A view over the same memory as `bytes`. */
export function dataViewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a safe, non-negative integer as an unsigned 64-bit little-endian one. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

/** Reads an unsigned 64-bit little-endian integer; the result is unsafe past 2^53. */
export function getUint64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** Grows as it is written to. The memory is reused after {@linkcode ByteWriter.truncate}. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes `[start, end)`, a view that is valid until the next write. */
  subarray(start: number, end: number): Uint8Array {
    return this.#bytes.subarray(start, end);
  }

  /** A copy of all that was written, which is then forgotten. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.#length);
    taken.set(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  /** Forgets everything from `length` on. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Gives memory back when more than `capacity` bytes are held and nothing is written. */
  shrink(capacity: number): void {
    if (this.#length === 0 && this.#bytes.length > capacity) {
      this.#bytes = new Uint8Array(capacity);
    }
  }

  /** Appends `count` zero bytes and returns the position of the first. */
  zeros(count: number): number {
    const start = this.#reserve(count);
    this.#bytes.fill(0, start, start + count);
    return start;
  }

  byte(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  /** Appends an unsigned varint of a safe, non-negative integer. */
  varint(value: number): void {
    let at = this.#reserve(8);
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#length = at;
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Appends a tag and a varint: the head of a protobuf field, or all of one. */
  field(tag: number, value: number): void {
    this.byte(tag);
    if (value < 0x80) this.byte(value);
    else this.varint(value);
  }

  /** Appends `text`, which has `length` bytes of UTF-8. */
  utf8(text: string, length: number): void {
    const at = this.#reserve(length);
    const bytes = this.#bytes;
    if (length === text.length && length <= SHORT_TEXT) { // it is ASCII
      for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
    } else textEncoder.encodeInto(text, bytes.subarray(at, at + length));
  }

  /** Appends the UTF-8 bytes of `text`. */
  text(text: string): void {
    this.utf8(text, utf8Length(text));
  }

  #reserve(count: number): number {
    const start = this.#length;
    const needed = start + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    this.#length = needed;
    return start;
  }
}

/** A walk over bytes `[position, end)` that fails with a `RangeError` rather than read past them. */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** Where reading ends: moved by {@linkcode ByteReader.narrow}, and back by its caller. */
  end: number;
  position: number;

  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /**
   * Ends the reading `length` bytes on, for a message within a message.
   *
   * @returns where it ended before
   * @throws {RangeError} when that is past the end
   */
  narrow(length: number): number {
    const { end } = this;
    if (length > end - this.position) throw new RangeError("field runs past its message");
    this.end = this.position + length;
    return end;
  }

  /** Reads an unsigned varint. @throws {RangeError} when it is cut off, or past 2^53 - 1 */
  varint(): number {
    const { bytes, end } = this;
    let position = this.position;
    let value = 0;
    for (let shift = 0; shift < 28 && position < end; shift += 7) { // in 32 bits as far as they go
      const byte = bytes[position++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = position;
        return value;
      }
    }
    return this.#longVarint();
  }

  /** Reads the tag of a field. @throws {RangeError} when it is cut off, or longer than 5 bytes */
  tag(): number {
    const start = this.position;
    const byte = this.bytes[start]!;
    if (byte < 0x80 && start < this.end) { // nearly all are
      this.position = start + 1;
      return byte;
    }
    const tag = this.varint();
    if (this.position - start > TAG_BYTES_MAX) throw new RangeError("tag is longer than 5 bytes");
    return tag;
  }

  /** Moves past a varint of any value. @throws {RangeError} when it is cut off, or past 10 bytes */
  skipVarint(): void {
    for (let length = 0; length < 10; length++) {
      if (this.position >= this.end) throw new RangeError("varint is cut off");
      if (this.bytes[this.position++]! < 0x80) return;
    }
    throw new RangeError("varint is longer than 10 bytes");
  }

  /** Moves past `count` bytes and returns where they start. @throws {RangeError} past the end */
  skip(count: number): number {
    const start = this.position;
    if (count > this.end - start) throw new RangeError("field runs past its message");
    this.position = start + count;
    return start;
  }

  #longVarint(): number {
    let value = 0;
    let scale = 1;
    for (let length = 0; length < 8; length++) {
      if (this.position >= this.end) throw new RangeError("varint is cut off");
      const byte = this.bytes[this.position++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new RangeError("varint is past 2^53 - 1");
  }
}
