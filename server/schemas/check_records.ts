/**
 * Looks back: whether the records that a topic has would pass the check of a schema.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { endOfTurn } from "../../core/base/turn.ts";
import { recordsOf } from "../../core/format/records_of.ts";
import { readBatches } from "../../core/reading.ts";
import { CHECKED_RECORDS_MAX } from "./limits.ts";
import type { RecordCheck } from "./record_check.ts";

/** A record that would not pass. */
export interface InvalidRecord {
  readonly partition: number;
  readonly offset: number;
  readonly path: string;
  readonly reason: string;
}

/** What was found. */
export interface LookBack {
  /** Records that were looked at; tombstones are not. */
  readonly checked: number;
  /** How many of them would not pass. */
  readonly invalid: number;
  /** The newest of these; `null` where there is none. */
  readonly newest: InvalidRecord | null;
}

/**
 * Checks the newest records of each partition. Others get their turn between two batches.
 *
 * @param count how many of each partition, as far as {@linkcode CHECKED_RECORDS_MAX} allows for all
 */
export async function checkRecords(
  backend: Backend,
  topic: string,
  { check, count }: { readonly check: RecordCheck; readonly count: number },
): Promise<LookBack> {
  const { config } = await backend.describeTopic(topic);
  let checked = 0;
  let invalid = 0;
  let newest: (InvalidRecord & { readonly timestamp: number }) | undefined;
  for (let partition = 0; partition < config.partitions; partition++) {
    let left = Math.min(count, Math.ceil(CHECKED_RECORDS_MAX / config.partitions));
    const range = { from: 0, until: Infinity, reverse: true };
    for await (const batch of readBatches(backend, topic, { partition, reverse: true, onLost })) {
      check.begin();
      for (const { offset, timestamp, value, type } of recordsOf(batch, range)) {
        if (left-- <= 0) break;
        if (value === null) continue;
        checked++;
        const complaint = check.complaint({ value, type });
        if (complaint === undefined) continue;
        invalid++;
        if (newest === undefined || timestamp > newest.timestamp) {
          newest = { partition, offset, ...complaint, timestamp };
        }
      }
      if (left <= 0) break;
      await endOfTurn();
    }
  }
  if (newest === undefined) return { checked, invalid, newest: null };
  const { timestamp: _, ...shown } = newest;
  return { checked, invalid, newest: shown };
}

/** What a repair gave up is no record any more. */
function onLost(): void {}
