/**
 * Writes the JSON shape of a record, version 1: one shape for standard input and output, HTTP
 * bodies, events and dumps.
 *
 * ```json
 * {"topic":"orders","partition":0,"offset":41,"timestamp":"2026-11-20T12:00:00.000Z","key":"u1","type":"json","value":{"qty":2},"headers":{"trace":"a1"}}
 * ```
 *
 * Keys and values are bytes, and so is what is written: they are copied, and become text only
 * where something in them has to change.
 *
 * @module
 */
import { encodeBase64 } from "../base/base64.ts";
import { ByteWriter, decodeUtf8, EMPTY_BYTES, encodeUtf8, isValidUtf8 } from "../base/bytes.ts";
import { JsonScanner } from "./json_scanner.ts";
import type { LogRecord } from "./record.ts";

const scanner = new JsonScanner();

/** What JSON writes for a character in a string, where that is not the character itself. */
const ESCAPES = Array.from({ length: 0x80 }, (_, code) => {
  const written = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
  return written.length > 1 ? written : undefined;
});
/** Not 0 for the bytes that cannot be copied before they are looked at: those, and all past ASCII. */
const IS_SPECIAL = Uint8Array.from({ length: 0x100 }, (_, byte) => {
  return byte > 0x7f || ESCAPES[byte] !== undefined ? 1 : 0;
});

/** Where a record is, for its shape. */
export interface RecordPlace {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition. */
  readonly partition: number;
}

/** Takes what is written, piece by piece. */
export interface ByteSink {
  /** Bytes as they are. They may be kept until they are handed on, and must stay unchanged. */
  bytes(piece: Uint8Array): void;
  /** Text, as UTF-8. */
  text(piece: string): void;
}

/**
 * One line of JSON for a record. A JSON value is shown as it was stored, but that line breaks
 * between its tokens become spaces; a value that is not what its type says is shown as bytes.
 *
 * @param place left out where the topic is not known, as in a dump of one segment
 */
export function formatRecordShape(record: LogRecord, place?: RecordPlace): string {
  const writer = new ByteWriter();
  new ShapeWriter().write(writer, record, place);
  return decodeUtf8(writer.subarray(0, writer.length));
}

/** Writes shapes, and remembers how the last one began: the next one mostly begins so, too. */
export class ShapeWriter {
  #topic: string | undefined;
  #partition: number | undefined;
  /** `{"topic":"orders","partition":0,"offset":` */
  #opening = encodeUtf8('{"offset":');
  #second = NaN;
  /** `,"timestamp":"2026-11-20T12:00:00.` */
  #time = EMPTY_BYTES;

  /** Writes the shape of a record, as {@linkcode formatRecordShape}. */
  write(sink: ByteSink, record: LogRecord, place?: RecordPlace): void {
    if (place?.topic !== this.#topic || place?.partition !== this.#partition) this.#begin(place);
    sink.bytes(this.#opening);
    sink.text(String(record.offset));
    this.#writeTime(sink, record.timestamp);
    if (record.key !== null) writeKey(sink, record.key);
    writeValue(sink, record);
    const { headers } = record;
    if (Object.keys(headers).length > 0) sink.text(`,"headers":${JSON.stringify(headers)}`);
    sink.text("}");
  }

  #begin(place: RecordPlace | undefined): void {
    this.#topic = place?.topic;
    this.#partition = place?.partition;
    const where = place === undefined
      ? ""
      : `"topic":${JSON.stringify(place.topic)},"partition":${place.partition},`;
    this.#opening = encodeUtf8(`{${where}"offset":`);
  }

  /** Making text of a date costs more than the rest of a short record. */
  #writeTime(sink: ByteSink, timestamp: number): void {
    const second = Math.floor(timestamp / 1000);
    if (second !== this.#second) {
      const iso = new Date(second * 1000).toISOString();
      this.#time = encodeUtf8(`,"timestamp":"${iso.slice(0, -"000Z".length)}`);
      this.#second = second;
    }
    sink.bytes(this.#time);
    sink.text(`${String(timestamp - second * 1000).padStart(3, "0")}Z"`);
  }
}

function writeKey(sink: ByteSink, key: Uint8Array): void {
  if (writeText(sink, `,"key":"`, key)) sink.text('"');
  else sink.text(`,"keyBase64":"${encodeBase64(key)}"`);
}

function writeValue(sink: ByteSink, { type, value }: LogRecord): void {
  if (value === null) return sink.text(',"value":null');
  if (type === "json" && writeJson(sink, ',"type":"json","value":', value)) return;
  if (type === "text" && writeText(sink, ',"type":"text","value":"', value)) return sink.text('"');
  sink.text(`,"type":"bytes","value":"${encodeBase64(value)}"`);
}

/** Writes what is JSON, behind what `before` says; false, with nothing written, where it is not. */
function writeJson(sink: ByteSink, before: string, value: Uint8Array): boolean {
  scanner.start(value);
  scanner.space();
  const start = scanner.at;
  const isOne = scanner.value();
  const end = scanner.at;
  scanner.space();
  if (isOne && scanner.isAtEnd() && !scanner.sawLineBreak) {
    sink.text(before);
    sink.bytes(value.subarray(start, end));
    return true;
  }
  const text = isValidUtf8(value) ? decodeUtf8(value) : "";
  if (!isJson(text)) return false;
  sink.text(`${before}${text.replace(/[\r\n]/g, " ").trim()}`);
  return true;
}

/** Writes the inside of a JSON string, likewise; false where the bytes are not UTF-8. */
function writeText(sink: ByteSink, before: string, bytes: Uint8Array): boolean {
  let at = nextSpecial(bytes, 0);
  if (at < bytes.length && !isValidUtf8(bytes)) return false;
  sink.text(before);
  if (at === bytes.length) {
    sink.bytes(bytes);
    return true;
  }
  let start = 0;
  for (; at < bytes.length; at = nextSpecial(bytes, at + 1)) {
    const escape = ESCAPES[bytes[at]!];
    if (escape === undefined) continue; // part of a character past ASCII
    if (at > start) sink.bytes(bytes.subarray(start, at));
    sink.text(escape);
    start = at + 1;
  }
  sink.bytes(bytes.subarray(start));
  return true;
}

function nextSpecial(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    if (IS_SPECIAL[bytes[at]!] !== 0) return at;
  }
  return bytes.length;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
