/**
 * Passes over JSON (RFC 8259) as bytes, without making anything of it: whether bytes are JSON, and
 * where its values lie, costs a walk and no object.
 *
 * What it takes is JSON for `JSON.parse` too. What it does not take may still be: values nested
 * deeper than it goes. Then, and for the words that say what is wrong, `JSON.parse` is asked.
 *
 * @module
 */
import { EMPTY_BYTES, encodeUtf8, isValidUtf8 } from "../base/bytes.ts";

/** Arrays and objects within each other that are passed over; runtimes differ in what they bear. */
const DEPTH_MAX = 100;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DELETE = 0x7f;

const TRUE = encodeUtf8("true");
const FALSE = encodeUtf8("false");
const NULL = encodeUtf8("null");

/** Whether bytes are one JSON value, for certain: where not, `JSON.parse` may still take them. */
export function isPlainJson(bytes: Uint8Array): boolean {
  const scanner = new JsonScanner();
  scanner.start(bytes);
  scanner.space();
  if (!scanner.value()) return false;
  scanner.space();
  return scanner.isAtEnd();
}

/** A place in bytes that moves over JSON. Methods that say no leave it anywhere. */
export class JsonScanner {
  bytes: Uint8Array = EMPTY_BYTES;
  at = 0;
  /** Whether a string since the start had an escape. */
  sawEscape = false;
  /** Whether there was a line break between tokens since the start. */
  sawLineBreak = false;
  /** Whether a string since the start had bytes past ASCII, which need not be UTF-8. */
  #sawWide = false;

  /** Begins with other bytes. */
  start(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.at = 0;
    this.sawEscape = false;
    this.sawLineBreak = false;
    this.#sawWide = false;
  }

  /** Whether all was passed over, and was text. */
  isAtEnd(): boolean {
    return this.at === this.bytes.length && (!this.#sawWide || isValidUtf8(this.bytes));
  }

  /** Moves past one byte, if it comes next. */
  take(byte: number): boolean {
    if (this.bytes[this.at] !== byte) return false;
    this.at++;
    return true;
  }

  space(): void {
    for (;; this.at++) {
      const byte = this.bytes[this.at];
      if (byte === LINE_FEED || byte === RETURN) this.sawLineBreak = true;
      else if (byte !== SPACE && byte !== TAB) return;
    }
  }

  value(depth = DEPTH_MAX): boolean {
    switch (this.bytes[this.at]) {
      case QUOTE:
        return this.string();
      case OPEN_BRACE:
        return this.#object(depth);
      case OPEN_BRACKET:
        return this.#array(depth);
      case TRUE[0]:
        return this.#word(TRUE);
      case FALSE[0]:
        return this.#word(FALSE);
      case NULL[0]:
        return this.#word(NULL);
      default:
        return this.#number();
    }
  }

  string(): boolean {
    if (!this.take(QUOTE)) return false;
    const { bytes } = this;
    for (let at = this.at; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (byte < SPACE) return false;
      if (byte === BACKSLASH) {
        this.sawEscape = true;
        const length = escapeLength(bytes, at);
        if (length === 0) return false;
        at += length - 1;
      } else if (byte > DELETE) this.#sawWide = true;
    }
    return false;
  }

  #object(depth: number): boolean {
    this.at++;
    this.space();
    if (this.take(CLOSE_BRACE)) return true;
    if (depth === 0) return false;
    for (;;) {
      if (!this.string()) return false;
      this.space();
      if (!this.take(COLON)) return false;
      this.space();
      if (!this.value(depth - 1)) return false;
      this.space();
      if (this.take(CLOSE_BRACE)) return true;
      if (!this.take(COMMA)) return false;
      this.space();
    }
  }

  #array(depth: number): boolean {
    this.at++;
    this.space();
    if (this.take(CLOSE_BRACKET)) return true;
    if (depth === 0) return false;
    for (;;) {
      if (!this.value(depth - 1)) return false;
      this.space();
      if (this.take(CLOSE_BRACKET)) return true;
      if (!this.take(COMMA)) return false;
      this.space();
    }
  }

  #number(): boolean {
    this.take(MINUS);
    if (!this.take(ZERO) && !this.#digits()) return false;
    if (this.take(POINT) && !this.#digits()) return false;
    const byte = this.bytes[this.at];
    if (byte !== 0x65 && byte !== 0x45) return true; // e, E
    this.at++;
    if (!this.take(PLUS)) this.take(MINUS);
    return this.#digits();
  }

  #digits(): boolean {
    const { bytes, at: start } = this;
    let at = start;
    while (at < bytes.length && bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
    this.at = at;
    return at > start;
  }

  #word(word: Uint8Array): boolean {
    for (const byte of word) {
      if (!this.take(byte)) return false;
    }
    return true;
  }
}

/** Bytes of the escape at `at`, its backslash included; 0 when it is none. */
function escapeLength(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1] ?? 0;
  if (kind !== 0x75) return SHORT_ESCAPES.includes(kind) ? 2 : 0; // u
  for (let i = 2; i < 6; i++) {
    if (!isHexDigit(bytes[at + i] ?? 0)) return 0;
  }
  return 6;
}

const SHORT_ESCAPES = encodeUtf8('"\\/bfnrt');

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= ZERO && byte <= NINE) || (letter >= 0x61 && letter <= 0x66); // a to f
}
