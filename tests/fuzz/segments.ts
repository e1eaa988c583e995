/**
 * Changes to a segment file: to its batches, their order, its header; with checksums put right.
 *
 * @module
 */
import { concatBytes, dataViewOf } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import { decodeBatch } from "../../core/format/batch.ts";
import { SEGMENT_HEADER_BYTES } from "../../core/format/segment_header.ts";
import type { Random } from "../support/random.ts";
import { type HeaderField, mutateBatch, withField } from "./batches.ts";
import { edge, mutateBytes } from "./bytes.ts";

const SALT_AT = 12;

/** A segment with something different. */
export function mutateSegment(random: Random, segment: Uint8Array): Uint8Array {
  const salt = saltOf(segment);
  const batches = batchesOf(segment, salt);
  if (salt === undefined || random.chance(0.1)) return mutateBytes(random, segment);
  const header = segment.subarray(0, SEGMENT_HEADER_BYTES);
  if (random.chance(0.05)) return concatBytes([mutateHeader(random, header), ...batches]);
  const changed = changeBatches(random, batches, salt);
  const isRenumbered = random.chance(0.4);
  return concatBytes([header, ...isRenumbered ? renumbered(header, changed, salt) : changed]);
}

function changeBatches(random: Random, batches: readonly Uint8Array[], salt: number) {
  const at = random.below(batches.length);
  const batch = batches[at];
  switch (random.below(batch === undefined ? 1 : 7)) {
    case 0: // a tail that is no batch
      return [...batches, random.chance(0.5) ? new Uint8Array(8) : random.bytes(random.below(99))];
    case 1: // missing
      return batches.toSpliced(at, 1);
    case 2: // there twice
      return batches.toSpliced(random.below(batches.length + 1), 0, batch!);
    case 3: // moved
      return batches.toSpliced(at, 1).toSpliced(random.below(batches.length), 0, batch!);
    case 4: {
      const field = random.pick<HeaderField>(["durableUpTo", "epoch", "baseOffset"]);
      return batches.with(at, withField(batch!, { field, value: edge(random) }, salt));
    }
    case 5: // cut short
      return batches.with(at, batch!.slice(0, random.below(batch!.length)));
    default:
      return batches.with(at, mutateBatch(random, batch!, salt));
  }
}

/** Batches whose offsets follow one another, as far as they are batches. */
function renumbered(header: Uint8Array, batches: readonly Uint8Array[], salt: number) {
  let next = dataViewOf(header).getBigUint64(16, true);
  return batches.map((bytes) => {
    const batch = decodeBatch(bytes, 0, salt);
    if (typeof batch === "string") return bytes;
    const placed = withField(bytes, { field: "baseOffset", value: next }, salt);
    next += BigInt(batch.header.lastOffsetDelta) + 1n;
    return placed;
  });
}

function mutateHeader(random: Random, header: Uint8Array): Uint8Array {
  const copy = header.slice();
  const view = dataViewOf(copy);
  const at = random.pick([8, 16, 24, 32, 40, 48]);
  if (at === 8) view.setUint32(at, Number(BigInt.asUintN(32, edge(random))), true);
  else view.setBigUint64(at, BigInt.asUintN(64, edge(random)), true);
  view.setUint32(60, crc32(copy.subarray(0, 60)), true);
  return copy;
}

/** The salt in a segment's header, when there is room for one. */
export function saltOf(segment: Uint8Array): number | undefined {
  if (segment.length < SEGMENT_HEADER_BYTES) return undefined;
  return dataViewOf(segment).getUint32(SALT_AT, true);
}

/** The batches of a segment; what is none at its end is one piece. */
function batchesOf(segment: Uint8Array, salt: number | undefined): Uint8Array[] {
  const batches: Uint8Array[] = [];
  let at = SEGMENT_HEADER_BYTES;
  while (salt !== undefined && at < segment.length) {
    const batch = decodeBatch(segment, at, salt);
    const length = typeof batch === "string" ? segment.length - at : batch.bytes.length;
    batches.push(segment.slice(at, at + length));
    at += length;
  }
  return batches;
}

/** The base offset in a segment's header; 0 where there is none. */
export function baseOffsetOf(segment: Uint8Array): number {
  if (segment.length < SEGMENT_HEADER_BYTES) return 0;
  const offset = Number(dataViewOf(segment).getBigUint64(16, true));
  return Number.isSafeInteger(offset) ? offset : 0;
}
