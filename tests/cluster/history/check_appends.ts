/** What is promised to whoever appends: nothing lost, nothing twice, one order, and conditions hold. */
import type { FinalPartition } from "./check_log.ts";
import type { Claims } from "./claims.ts";
import { type Append, told } from "./history.ts";

/** An append that is in the log, and where. */
interface Placed {
  readonly append: Append;
  readonly offset: number;
}

export function checkAppends(
  appends: readonly Append[],
  claims: Claims,
  { bounds, records }: FinalPartition,
): string[] {
  const found: string[] = [];
  const placed: Placed[] = [];
  const kept = new Set(records.map(({ value }) => value));
  for (const append of appends) {
    const { copiesMax, outcome, values } = append;
    const places = claims.placesOf(values[0]!).map(({ offset }) => offset);
    const what = told(append);
    if (outcome.kind === "rejected" && values.some((value) => claims.placesOf(value).length > 0)) {
      const [place] = values.flatMap((value) => claims.placesOf(value));
      found.push(`${what} is at ${place!.offset} for ${place!.by}`);
      continue;
    }
    if (places.length > copiesMax) {
      found.push(`${what} is there ${places.length} times, at ${places.join(", ")}`);
    }
    values.forEach((value, i) => {
      const others = claims.placesOf(value).map(({ offset }) => offset);
      if (others.length !== places.length || others.some((at, copy) => at !== places[copy]! + i)) {
        // Below the start of the log nobody may have looked at all of it.
        const isUnseen = [...others, ...places].every((at) => at < bounds.logStartOffset);
        if (!isUnseen) {
          found.push(`${what} is torn: ${value} is at [${others}], its begin at [${places}]`);
        }
      }
      for (const at of others) {
        if (at >= bounds.logStartOffset && !kept.has(value)) {
          found.push(`${what} is lost: ${value} was at ${at}`);
        }
      }
    });
    if (places.length > 0) placed.push({ append, offset: places[0]! });
  }
  found.push(...checkStrangers(appends, claims));
  found.push(...checkConditions(appends, placed));
  found.push(...checkProducers(placed));
  found.push(...checkRealTime(placed));
  return found;
}

/** Nothing is there that nobody appended. */
function checkStrangers(appends: readonly Append[], claims: Claims): string[] {
  const known = new Set(appends.flatMap(({ values }) => values));
  return [...claims.all()].filter(({ value }) => !known.has(value))
    .map(({ offset, value, by }) => `nobody appended ${value}, at ${offset} for ${by}`);
}

/** A conditional append is at its offset or nowhere, and nobody else is. */
function checkConditions(appends: readonly Append[], placed: readonly Placed[]): string[] {
  const found: string[] = [];
  const winners = new Map<number, Append>();
  for (const append of appends) {
    const { expectedOffset, outcome } = append;
    if (expectedOffset === undefined || outcome.kind !== "acknowledged") continue;
    const other = winners.get(expectedOffset);
    if (other !== undefined) found.push(`both ${told(other)} and ${told(append)} were made`);
    winners.set(expectedOffset, append);
  }
  for (const { append, offset } of placed) {
    const { expectedOffset } = append;
    if (expectedOffset !== undefined && expectedOffset !== offset) {
      found.push(`${told(append)} is at ${offset}`);
    }
  }
  return found;
}

/** The appends of a producer are in the order of their numbers: also one that was given up. */
function checkProducers(placed: readonly Placed[]): string[] {
  const found: string[] = [];
  const last = new Map<string, Placed>();
  for (const one of placed.toSorted((a, b) => a.offset - b.offset)) {
    const { producer } = one.append;
    if (producer === undefined) continue;
    const before = last.get(producer.id);
    last.set(producer.id, one);
    if (before === undefined) continue;
    const { epoch, sequence } = before.append.producer!;
    if (producer.epoch > epoch || (producer.epoch === epoch && producer.sequence > sequence)) {
      continue;
    }
    found.push(
      `${told(one.append)} is at ${one.offset}, behind ${told(before.append)} at ${before.offset}`,
    );
  }
  return found;
}

/** What was acknowledged before another began is before it. */
function checkRealTime(placed: readonly Placed[]): string[] {
  const found: string[] = [];
  let earliest: Placed | undefined;
  for (const one of placed.toSorted((a, b) => b.offset - a.offset)) {
    if (earliest !== undefined && earliest.append.endedAt < one.append.startedAt) {
      found.push(
        `${told(one.append)} is at ${one.offset}, before ${
          told(earliest.append)
        } at ${earliest.offset}, which had ended`,
      );
    }
    if (one.append.outcome.kind !== "acknowledged") continue;
    if (earliest === undefined || one.append.endedAt < earliest.append.endedAt) earliest = one;
  }
  return found;
}
