/**
 * Says from a history, and from what is in the topic at its end, which promises were broken. One
 * line each, which names the operations.
 */
import type { Bounds, ErrorCode } from "../../../mod.ts";
import { checkAppends } from "./check_appends.ts";
import { checkReads, type Scope } from "./check_reads.ts";
import { Claims } from "./claims.ts";
import { type History, told } from "./history.ts";

/** What one partition is when nothing is under way any more. */
export interface FinalPartition {
  readonly bounds: Bounds;
  readonly records: readonly { readonly offset: number; readonly value: string }[];
}

export interface Promises {
  /**
   * Whose acknowledged appends, and whose reads, a read that begins behind them has to see, by the
   * backend that is read.
   */
  readonly seenBy: (backend: string) => Scope;
  /** How reads and truncations may fail: not at all unless given. */
  readonly tolerated?: readonly ErrorCode[];
}

/** What is wrong with a history; nothing when all is well. */
export function checkLog(
  history: History,
  final: readonly FinalPartition[],
  promises: Promises,
): string[] {
  const { tolerated = [] } = promises;
  const found = [...history.complaints];
  for (const read of history.reads) {
    const { failure } = read;
    if (failure === undefined || tolerated.includes(failure.code)) continue;
    found.push(`${told(read)} failed with ${failure.code}: ${failure.message}`);
  }
  final.forEach((partition, number) => {
    const part = partOf(history, number);
    const claims = claimsOf(part, partition);
    const wrong = [
      ...checkFinal(part, partition),
      ...claims.complaints,
      ...checkAppends(part.appends, claims, partition),
      ...checkReads(part, promises.seenBy),
    ];
    found.push(...wrong.map((line) => `partition ${number}: ${line}`));
  });
  return found;
}

/** The operations on one partition. */
export type Part = Pick<History, "appends" | "reads" | "truncations">;

function partOf({ appends, reads, truncations }: History, number: number): Part {
  const isOurs = ({ partition }: { partition: number }) => partition === number;
  return {
    appends: appends.filter(isOurs),
    reads: reads.filter(isOurs),
    truncations: truncations.filter(isOurs),
  };
}

function claimsOf({ appends, reads }: Part, { records }: FinalPartition): Claims {
  const claims = new Claims();
  for (const { offset, value } of records) claims.add({ offset, value, by: "the final read" });
  for (const append of appends) {
    const { outcome, values } = append;
    if (outcome.kind !== "acknowledged") continue;
    values.forEach((value, i) => {
      claims.add({ offset: outcome.start + i, value, by: told(append) });
    });
  }
  for (const read of reads) {
    for (const { offset, value } of read.seen) claims.add({ offset, value, by: told(read) });
  }
  return claims;
}

/** The log is dense, and begins where it was told to. */
function checkFinal({ truncations }: Part, { bounds, records }: FinalPartition): string[] {
  const found: string[] = [];
  const { logStartOffset, durableOffset, nextOffset } = bounds;
  if (!(logStartOffset <= durableOffset && durableOffset <= nextOffset)) {
    found.push(`the bounds are ${JSON.stringify(bounds)}`);
  }
  let next = logStartOffset;
  for (const { offset, value } of records) {
    if (offset !== next) {
      found.push(`the final read has ${value} at ${offset}, where ${next} is due`);
    }
    next = offset + 1;
  }
  if (next !== nextOffset) {
    found.push(`the final read ends at ${next}, and the log at ${nextOffset}`);
  }
  const asked = Math.max(0, ...truncations.map(({ before }) => before));
  if (logStartOffset > asked) {
    found.push(`it begins at ${logStartOffset}, and nobody asked for more than ${asked}`);
  }
  for (const truncation of truncations) {
    if (!truncation.isAcknowledged || truncation.before <= logStartOffset) continue;
    found.push(`it begins at ${logStartOffset} in spite of ${told(truncation)}`);
  }
  return found;
}
