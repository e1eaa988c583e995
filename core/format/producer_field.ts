/**
 * Who wrote a batch, as a field of the protobuf message `RecordBatch`.
 *
 * @module
 */
import {
  ByteReader,
  type ByteWriter,
  decodeText,
  utf8Length,
  varintLength,
} from "../base/bytes.ts";
import { seekField, TAG_PRODUCER, TAG_RECORD } from "./batch_fields.ts";
import { skipField, WIRE } from "./wire_format.ts";

/** Who wrote a batch, and its number, for appends whose retry must not make duplicates. */
export interface ProducerStamp {
  /** Chosen by the producer, unique to it: 1 to 200 bytes of UTF-8. */
  readonly id: string;
  /** Raised by a producer that takes over an id; the log turns lower ones away. */
  readonly epoch: number;
  /** Counts the appends of this producer and epoch to one partition, by ones. */
  readonly sequence: number;
}

const TAG_ID = (1 << 3) | WIRE.bytes;
const TAG_EPOCH = (2 << 3) | WIRE.varint;
const TAG_SEQUENCE = (3 << 3) | WIRE.varint;
const FIELDS = 3;

/**
 * The producer in a `RecordBatch`, or `undefined` when it names none.
 *
 * @throws {RangeError} when the message is malformed, or names two
 */
export function findProducer(payload: Uint8Array): ProducerStamp | undefined {
  const reader = new ByteReader(payload);
  let producer: ProducerStamp | undefined;
  for (;;) {
    const length = seekField(reader, TAG_PRODUCER, TAG_RECORD);
    if (length === undefined) return producer;
    if (producer !== undefined) throw new RangeError("it has two producers");
    const outerEnd = reader.narrow(length);
    producer = decodeProducer(reader);
    reader.end = outerEnd;
  }
}

/** Bytes that {@linkcode encodeProducer} will write. */
export function producerFieldLength(producer: ProducerStamp): number {
  const length = producerLength(producer);
  return 1 + varintLength(length) + length;
}

/** Appends a producer as field `producer` of a `RecordBatch`, defaults left out. */
export function encodeProducer(writer: ByteWriter, producer: ProducerStamp): void {
  const { id, epoch, sequence } = producer;
  const idLength = utf8Length(id);
  writer.field(TAG_PRODUCER, producerLength(producer));
  writer.field(TAG_ID, idLength);
  writer.utf8(id, idLength);
  if (epoch !== 0) writer.field(TAG_EPOCH, epoch);
  if (sequence !== 0) writer.field(TAG_SEQUENCE, sequence);
}

function producerLength({ id, epoch, sequence }: ProducerStamp): number {
  const idLength = utf8Length(id);
  return 1 + varintLength(idLength) + idLength +
    (epoch === 0 ? 0 : 1 + varintLength(epoch)) +
    (sequence === 0 ? 0 : 1 + varintLength(sequence));
}

function decodeProducer(reader: ByteReader): ProducerStamp {
  let id = "";
  let epoch = 0;
  let sequence = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === TAG_ID) {
      const length = reader.varint();
      const start = reader.skip(length);
      id = decodeText(reader.bytes.subarray(start, start + length));
    } else if (tag === TAG_EPOCH) epoch = reader.varint();
    else if (tag === TAG_SEQUENCE) sequence = reader.varint();
    else skipField(reader, tag, FIELDS);
  }
  return { id, epoch, sequence };
}
