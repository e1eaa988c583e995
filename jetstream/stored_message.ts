/**
 * A message of a stream, as it was stored.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { ProducerState } from "../core/format/producer_state.ts";
import {
  corruptMessage,
  decodeHead,
  decodeProducerState,
  HEAD_HEADER,
  ID_HEADER,
  type MessageHead,
  PRODUCER_HEADER,
} from "./log_state.ts";

/** A message as JetStream gives it on request. */
export interface RawMessage {
  readonly subject: string;
  readonly seq: number;
  /** Its headers, in base64. */
  readonly hdrs?: string;
  /** Its content, likewise. */
  readonly data?: string;
}

/** A message of a partition's stream. */
export interface StoredMessage {
  /** Its number in the stream: 1, 2, 3 … without gaps. */
  readonly sequence: number;
  /** Given by who published it. */
  readonly id: string;
  /** What it says of the log. */
  readonly head: MessageHead;
  /** The producer of its batches behind it, where they have one. */
  readonly producer?: ProducerState;
  readonly data: Uint8Array;
}

/** Reads headers and content. @throws {SeglogError} `corrupt` when nobody of ours wrote it */
export function storedMessage(
  stream: string,
  { sequence, header, data }: {
    readonly sequence: number;
    readonly header: (name: string) => string | undefined;
    readonly data: Uint8Array;
  },
): StoredMessage {
  const where = `message ${sequence} of stream ${stream}`;
  const head = header(HEAD_HEADER);
  if (head === undefined) {
    throw corruptMessage(where, "it is none of seglog's; something else publishes there");
  }
  const producer = header(PRODUCER_HEADER);
  return {
    sequence,
    id: header(ID_HEADER) ?? "",
    head: decodeHead(head, where),
    ...producer === undefined ? {} : { producer: decodeProducerState(producer, where) },
    data,
  };
}

/** The same of a message that was asked for. */
export function fromRaw(stream: string, message: RawMessage): StoredMessage {
  const headers = headersOf(message);
  return storedMessage(stream, {
    sequence: message.seq,
    header: (name) => headers.get(name),
    data: contentOf(message),
  });
}

/** The content of a message that was asked for. */
export function contentOf({ data = "" }: RawMessage): Uint8Array {
  return Buffer.from(data, "base64");
}

/** Its headers: lines of a name, a colon and a value, behind the first. */
function headersOf({ hdrs = "" }: RawMessage): Map<string, string> {
  const lines = Buffer.from(hdrs, "base64").toString("utf8").split("\r\n").slice(1);
  return new Map(
    lines.filter((line) => line.includes(":")).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}
