/**
 * The index of a bucket as bytes, so that opening it again need not read the whole log. It is a
 * hint: bound to one topic and to the last record it knows, checked as a whole, and of no use when
 * anything is in doubt.
 *
 * ```text
 * magic 8 | topic id 32 | position 8 | used 8 | wasted 8 | witness, seed, slots, numbers, free,
 * blocks, end, checksum of the body: 4 each | truncations 8 | 20 zeros
 * checksum of the header 4                                                          = 128 bytes
 * slots, hashes, places, free: 4 bytes each | revisions, sizes: 8 each | the blocks of keys
 * ```
 *
 * Numbers are little-endian, as in the memory of all machines that the runtimes run on: arrays are
 * written as they lie there.
 *
 * @module
 */
import { dataViewOf, decodeUtf8, encodeUtf8 } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import type { LogRecord } from "../format/record.ts";
import { KEY_BLOCK_BYTES } from "../base/key_bytes.ts";
import { KeyIndex, type KeyIndexState } from "./key_index.ts";

const MAGIC = "SGKVIX02";
const HEADER_BYTES = 128;
const TOPIC_ID_BYTES = 32;
const AT = {
  topicId: 8,
  position: 40,
  used: 48,
  wasted: 56,
  witness: 64,
  seed: 68,
  slots: 72,
  numbers: 76,
  free: 80,
  blocks: 84,
  end: 88,
  bodyCrc: 92,
  truncations: 96,
  headerCrc: 124,
} as const;

/** An index, and what it was made from. */
export interface Checkpoint {
  readonly index: KeyIndex;
  /** 32 hexadecimal digits. */
  readonly topicId: string;
  /** Everything below is in the index. */
  readonly position: number;
  /** Of the record before it, by `witnessOf`. */
  readonly witness: number;
  /** How often the last records of the log had been taken away. */
  readonly truncations: number;
}

/** What a checkpoint is read from. */
export interface ReadableBytes {
  /** Fills `target` from `position` on. @returns how many bytes there were */
  read(target: Uint8Array, position: number): number;
  size(): number;
}

/** Tells a record from another that came to stand at its offset after a loss of power. */
export function witnessOf({ key, value, timestamp }: LogRecord): number {
  const parts = [key, value].map((part) => part ?? MISSING);
  return parts.reduce((crc, part) => crc32(part, crc), timestamp % 2 ** 32);
}

const MISSING = encodeUtf8("missing");

/** The pieces of a checkpoint: views of the index, valid until its next change. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array[] {
  const { state } = checkpoint.index;
  const { table } = state;
  const { keys } = table;
  const body = piecesOf(state);
  const header = new Uint8Array(HEADER_BYTES);
  const view = dataViewOf(header);
  header.set(encodeUtf8(MAGIC));
  header.set(encodeUtf8(checkpoint.topicId), AT.topicId);
  view.setFloat64(AT.position, checkpoint.position, true);
  view.setFloat64(AT.used, keys.used, true);
  view.setFloat64(AT.wasted, keys.wasted, true);
  view.setUint32(AT.witness, checkpoint.witness, true);
  view.setUint32(AT.seed, table.seed, true);
  view.setUint32(AT.slots, table.slots.length, true);
  view.setUint32(AT.numbers, table.hashes.length, true);
  view.setUint32(AT.free, table.free.length, true);
  view.setUint32(AT.blocks, keys.blocks.length, true);
  view.setUint32(AT.end, keys.end, true);
  view.setUint32(AT.bodyCrc, body.reduce((crc, piece) => crc32(piece, crc), 0), true);
  view.setFloat64(AT.truncations, checkpoint.truncations, true);
  view.setUint32(AT.headerCrc, crc32(header.subarray(0, AT.headerCrc)), true);
  return [header, ...body];
}

/** The checkpoint that is written there; `undefined` for what is none, or is damaged. */
export function decodeCheckpoint(source: ReadableBytes): Checkpoint | undefined {
  const header = new Uint8Array(HEADER_BYTES);
  if (source.read(header, 0) < HEADER_BYTES) return undefined;
  const view = dataViewOf(header);
  const uint32 = (at: number) => view.getUint32(at, true);
  const isHeader = decodeUtf8(header.subarray(0, MAGIC.length)) === MAGIC &&
    uint32(AT.headerCrc) === crc32(header.subarray(0, AT.headerCrc));
  if (!isHeader) return undefined;
  const [slots, numbers, free] = [uint32(AT.slots), uint32(AT.numbers), uint32(AT.free)];
  const [blocks, end] = [uint32(AT.blocks), uint32(AT.end)];
  const keyBytes = blocks === 0 ? 0 : (blocks - 1) * KEY_BLOCK_BYTES + end;
  const bodyBytes = 4 * (slots + 2 * numbers + free) + 16 * numbers + keyBytes;
  if (source.size() !== HEADER_BYTES + bodyBytes) return undefined; // before memory is taken for it
  const state: KeyIndexState = {
    table: {
      seed: uint32(AT.seed),
      slots: new Uint32Array(slots),
      hashes: new Uint32Array(numbers),
      places: new Uint32Array(numbers),
      free: new Uint32Array(free),
      keys: {
        blocks: Array.from({ length: blocks }, () => new Uint8Array(KEY_BLOCK_BYTES)),
        end,
        used: view.getFloat64(AT.used, true),
        wasted: view.getFloat64(AT.wasted, true),
      },
    },
    revisions: new Float64Array(numbers),
    sizes: new Float64Array(numbers),
  };
  let position = HEADER_BYTES;
  let crc = 0;
  for (const piece of piecesOf(state)) {
    if (source.read(piece, position) < piece.length) return undefined;
    crc = crc32(piece, crc);
    position += piece.length;
  }
  if (crc !== uint32(AT.bodyCrc)) return undefined;
  return {
    index: KeyIndex.restored(state),
    topicId: decodeUtf8(header.subarray(AT.topicId, AT.topicId + TOPIC_ID_BYTES)),
    position: view.getFloat64(AT.position, true),
    witness: uint32(AT.witness),
    truncations: view.getFloat64(AT.truncations, true),
  };
}

/** The memory of an index, piece by piece, in the order of the file. */
function piecesOf({ table, revisions, sizes }: KeyIndexState): Uint8Array[] {
  const { slots, hashes, places, free, keys } = table;
  const arrays = [slots, hashes, places, free, revisions, sizes];
  const blocks = keys.blocks.map((block, i) =>
    i === keys.blocks.length - 1 ? block.subarray(0, keys.end) : block
  );
  return [
    ...arrays.map(({ buffer, byteOffset, byteLength }) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    ),
    ...blocks,
  ].filter(({ length }) => length > 0);
}
