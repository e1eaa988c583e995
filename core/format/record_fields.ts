/**
 * The fields of the protobuf message `Record` in `record.proto`: tags, as they are on disk.
 *
 * @module
 */

import { WIRE } from "./wire_format.ts";

export const TAG_KEY: number = (1 << 3) | WIRE.bytes;
export const TAG_VALUE: number = (2 << 3) | WIRE.bytes;
export const TAG_HEADER: number = (3 << 3) | WIRE.bytes;
export const TAG_TIMESTAMP: number = (4 << 3) | WIRE.varint;
export const TAG_OFFSET: number = (5 << 3) | WIRE.varint;
export const TAG_TYPE: number = (6 << 3) | WIRE.varint;
/** The fields are numbered from 1 to this. */
export const RECORD_FIELDS = 6;
/** Those of a header: its name and its text, under the tags of key and value. */
export const HEADER_FIELDS = 2;
