/**
 * Which partition a key belongs to: the same everywhere, so that a client, a server and a command
 * line agree.
 *
 * @module
 */
import { encodeUtf8 } from "./base/bytes.ts";
import { crc32 } from "./base/crc32.ts";
import { SeglogError } from "./base/errors.ts";
import type { RecordInput } from "./format/record.ts";

/**
 * The partition of a key: the CRC-32 of its bytes, modulo the number of partitions.
 *
 * @param key text counts as its UTF-8 bytes
 * @param partitions 1 or more
 * @returns 0 to `partitions - 1`
 */
export function partitionOf(key: string | Uint8Array, partitions: number): number {
  if (partitions === 1) return 0;
  return crc32(typeof key === "string" ? encodeUtf8(key) : key) % partitions;
}

/**
 * The one partition that the keys of all records hash to.
 *
 * @returns the partition, or `undefined` when no record has a key and there are several
 * @throws {SeglogError} `invalid-argument` when they differ: an append is atomic, and a batch is in
 * one partition
 */
export function commonPartition(
  records: Iterable<RecordInput>,
  partitions: number,
): number | undefined {
  if (partitions === 1) return 0; // and nothing has to be decoded or hashed
  let common: number | undefined;
  for (const { key } of records) {
    if (key === undefined || key === null) continue;
    const partition = partitionOf(key, partitions);
    if (common !== undefined && common !== partition) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot append records whose keys belong to partitions ${common} and ${partition} as one batch: ` +
          "append them separately, or name one partition for all",
      );
    }
    common = partition;
  }
  return common;
}
