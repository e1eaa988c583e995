/**
 * Changes to a protobuf message that keep it one, or break it where a decoder has to look: tags,
 * wire types, lengths, varints.
 *
 * @module
 */
import { concatBytes } from "../../core/base/bytes.ts";
import type { Random } from "../support/random.ts";
import { edge, mutateBytes } from "./bytes.ts";

/** One field as it lies in a message. */
interface Field {
  readonly number: bigint;
  readonly wire: number;
  readonly content: bigint | Uint8Array;
  /** Bytes by which its varints are longer than they need be. */
  readonly padding?: number;
  /** What its length says beyond what is there. */
  readonly lie?: bigint;
}

/** A message with something different, anywhere in it. */
export function mutateMessage(random: Random, message: Uint8Array, depth = 0): Uint8Array {
  const fields = parseFields(message);
  if (fields === undefined || random.chance(0.05)) return mutateBytes(random, message);
  const inside = fields.map((_, i) => i).filter((i) => fields[i]!.content instanceof Uint8Array);
  if (inside.length > 0 && depth < 3 && random.chance(0.6)) {
    const at = random.pick(inside);
    const field = fields[at]!;
    const content = mutateMessage(random, field.content as Uint8Array, depth + 1);
    return encodeFields(fields.with(at, { ...field, content }));
  }
  return encodeFields(changeFields(random, fields));
}

function changeFields(random: Random, fields: readonly Field[]): readonly Field[] {
  const at = random.below(fields.length);
  const field = fields[at];
  switch (random.below(field === undefined ? 1 : 9)) {
    case 0:
      return fields.toSpliced(random.below(fields.length + 1), 0, anyField(random));
    case 1:
      return fields.toSpliced(at, 1);
    case 2: // repeated
      return fields.toSpliced(random.below(fields.length + 1), 0, field!);
    case 3: // in another order
      return fields.toSpliced(at, 1).toSpliced(random.below(fields.length), 0, field!);
    case 4: // the wrong wire type
      return fields.with(at, { ...field!, wire: random.below(8) });
    case 5:
      return fields.with(at, { ...field!, number: fieldNumber(random) });
    case 6: // an overlong varint
      return fields.with(at, { ...field!, padding: random.below(12) });
    case 7:
      return fields.with(at, { ...field!, lie: edge(random) });
    default:
      return fields.with(at, { ...field!, content: otherContent(random, field!.content) });
  }
}

function otherContent(random: Random, content: bigint | Uint8Array): bigint | Uint8Array {
  if (typeof content === "bigint") return edge(random);
  return random.pick([
    new Uint8Array(0),
    Uint8Array.of(0xc3, 0x28), // not UTF-8
    Uint8Array.of(0xed, 0xa0, 0x80), // half of a surrogate pair
    Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), // a byte order mark
    random.bytes(random.below(300)),
    concatBytes([content, content]),
  ]);
}

function anyField(random: Random): Field {
  const wire = random.pick([0, 0, 1, 2, 2, 3, 4, 5, 6, 7]);
  const content = wire === 0 ? edge(random) : random.bytes(random.below(10));
  return { number: fieldNumber(random), wire, content };
}

function fieldNumber(random: Random): bigint {
  return random.chance(0.7) ? BigInt(random.below(8)) : edge(random);
}

function parseFields(message: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; at < message.length && shift < 70n; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag === undefined ? -1 : Number(tag & 7n);
    if (wire === 0) {
      const content = varint();
      if (content === undefined) return undefined;
      fields.push({ number: tag! >> 3n, wire, content });
      continue;
    }
    const length = wire === 2 ? varint() : wire === 1 ? 8n : wire === 5 ? 4n : undefined;
    if (length === undefined || length > BigInt(message.length - at)) return undefined;
    fields.push({ number: tag! >> 3n, wire, content: message.slice(at, at + Number(length)) });
    at += Number(length);
  }
  return fields;
}

function encodeFields(fields: readonly Field[]): Uint8Array {
  return concatBytes(fields.flatMap(({ number, wire, content, padding = 0, lie = 0n }) => {
    const tag = varintBytes((number << 3n) | BigInt(wire), padding);
    if (typeof content === "bigint") return [tag, varintBytes(content + lie, padding)];
    if (wire !== 2) return [tag, content];
    return [tag, varintBytes(BigInt(content.length) + lie, padding), content];
  }));
}

function varintBytes(value: bigint, padding = 0): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(value >> BigInt(7 * bytes.length)));
  for (let i = 0; i < padding; i++) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(0);
  }
  return Uint8Array.from(bytes);
}
