/**
 * What all messages of protobuf have in common: wire types, and fields that are not known.
 *
 * @module
 */
import type { ByteReader } from "../base/bytes.ts";

/** The wire types of protobuf. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Largest field number of protobuf. */
const FIELD_NUMBER_MAX = 2 ** 29 - 1;

/**
 * Moves past a field that is not known, of any wire type. A known one comes here only with a wire
 * type that is not its own, which readers of protobuf take in different ways: it is no message.
 *
 * @param known the fields that the message has: numbers 1 to this
 * @throws {RangeError} for such a field, a number that no field can have, or another wire type
 */
export function skipField(reader: ByteReader, tag: number, known: number): void {
  const number = Math.floor(tag / 8);
  const wire = tag % 8;
  if (number <= known || number > FIELD_NUMBER_MAX) {
    throw new RangeError(`field ${number} of wire type ${wire} cannot be`);
  }
  if (wire === WIRE.varint) reader.skipVarint();
  else if (wire === WIRE.fixed64) reader.skip(8);
  else if (wire === WIRE.bytes) reader.skip(reader.varint());
  else if (wire === WIRE.fixed32) reader.skip(4);
  else throw new RangeError(`wire type ${wire} is not known`);
}
