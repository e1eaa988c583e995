/**
 * The subject of a certificate as text, by RFC 4514: `CN=ann,O=shop`, the last part of the name
 * first, as `openssl x509 -subject -nameopt RFC2253` writes it.
 *
 * Who somebody is hangs on this text, so two names never share one: whatever could be taken for the
 * mark between two parts is escaped, and what is no text is written as bytes. The runtimes' own text
 * is of no use for that: on one of them a common name with a line break in it looks like two parts.
 *
 * @module
 */
import { decodeUtf8, isValidUtf8 } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";

/** Names of the parts that have one in RFC 4514; others are written as their numbers. */
const NAMES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
};

const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const IA5_STRING = 0x16;
const VERSION = 0xa0;
/** A length that is not told. */
const INDEFINITE = 0x80;
const TEXTS: readonly number[] = [UTF8_STRING, PRINTABLE_STRING, IA5_STRING];

/**
 * The subject of a certificate.
 *
 * @param certificate in DER, as it came over the wire
 * @returns an empty text where the subject has no parts
 * @throws {SeglogError} `invalid-argument` for bytes that are no certificate
 */
export function subjectOfCertificate(certificate: Uint8Array): string {
  const [whole] = elementsOf(certificate);
  const [signed] = elementsOf(contentOf(whole, SEQUENCE));
  const fields = elementsOf(contentOf(signed, SEQUENCE));
  // serial number, algorithm, issuer, validity, subject; before them the version, unless it is 1
  const first = fields[0]?.tag === VERSION ? 1 : 0;
  const parts = elementsOf(contentOf(fields[first + 4], SEQUENCE));
  return parts.reverse().map(({ content }) => elementsOf(content).map(pairOf).join("+")).join(",");
}

/** One tag with its content. */
interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The tag, the length and the content. */
  readonly bytes: Uint8Array;
}

function pairOf({ content }: Element): string {
  const [type, value] = elementsOf(content);
  const number = numberOf(contentOf(type, OBJECT_IDENTIFIER));
  if (value === undefined) throw noCertificate();
  const name = NAMES[number];
  const isText = name !== undefined && TEXTS.includes(value.tag) && isValidUtf8(value.content);
  return `${name ?? number}=${
    isText ? escaped(decodeUtf8(value.content)) : `#${hex(value.bytes)}`
  }`;
}

function escaped(text: string): string {
  return text
    .replace(/["+,;<>\\]/g, "\\$&")
    .replace(/^[ #]/, "\\$&")
    .replace(/(?<!^) $/, "\\ ")
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (char) => hexEscaped(char));
}

function hexEscaped(char: string): string {
  return [...new TextEncoder().encode(char)].map((byte) => `\\${hex([byte])}`).join("");
}

function hex(bytes: Iterable<number>): string {
  return [...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
}

/** `2.5.4.3` */
function numberOf(bytes: Uint8Array): string {
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of bytes) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first = 0n, ...rest] = arcs;
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join(".");
}

function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw noCertificate();
  return element.content;
}

/** The elements that stand one behind the other. */
function elementsOf(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes[at++]!;
    let length = bytes[at++] ?? Infinity;
    if (length === INDEFINITE) throw noCertificate(); // there is none in DER
    if (length > INDEFINITE) {
      const lengthBytes = length - INDEFINITE;
      if (lengthBytes > 4) throw noCertificate();
      length = 0;
      for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at++] ?? Infinity);
    }
    if (!(at + length <= bytes.length)) throw noCertificate();
    elements.push({
      tag,
      content: bytes.subarray(at, at + length),
      bytes: bytes.subarray(start, at + length),
    });
    at += length;
  }
  return elements;
}

function noCertificate(): SeglogError {
  return new SeglogError("invalid-argument", "Cannot read a certificate: it is no DER of X.509");
}
