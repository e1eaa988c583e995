/** What is promised to whoever reads: no gaps, and never less than what was to be seen before. */
import type { Part } from "./check_log.ts";
import { type Append, type Operation, type Read, told, type Truncation } from "./history.ts";

/**
 * Whose doings a read has to see when they ended before it began: those of its client, of all who
 * use the same backend, or everybody's.
 */
export type Scope = "client" | "backend" | "everybody";

/** @param scopeOf what is promised by a backend of this name */
export function checkReads(part: Part, scopeOf: (backend: string) => Scope): string[] {
  return [...part.reads.flatMap(gapsIn), ...checkFreshness(part, scopeOf)];
}

/** Offsets of one read follow each other, from the one that was asked for. */
function gapsIn(read: Read): string[] {
  const found: string[] = [];
  let next = read.from;
  for (const { offset } of read.seen) {
    if (next !== undefined && offset !== next) {
      found.push(`${told(read)} saw ${offset} where ${next} was due`);
    }
    next = offset + 1;
  }
  return found;
}

/** Somebody knew, from then on, that the log goes, or begins, at least up to here. */
interface Fact {
  readonly at: number;
  readonly offset: number;
  readonly by: Operation & (Append | Read | Truncation);
}

function checkFreshness(
  { appends, reads, truncations }: Part,
  scopeOf: (backend: string) => Scope,
): string[] {
  const ends: Fact[] = [];
  const starts: Fact[] = [];
  for (const by of appends) {
    const { outcome, endedAt: at } = by;
    if (outcome.kind === "acknowledged") ends.push({ at, offset: outcome.end, by });
  }
  for (const by of reads) {
    ends.push({ at: by.endedAt, offset: by.endMin, by });
    starts.push({ at: by.endedAt, offset: by.startMin, by });
    for (const { at, offset } of by.seen) ends.push({ at, offset: offset + 1, by });
  }
  for (const by of truncations) {
    if (by.isAcknowledged) starts.push({ at: by.endedAt, offset: by.before, by });
  }
  const end = new Knowledge(ends);
  const start = new Knowledge(starts);
  return [
    ...reads.flatMap((read) => {
      const due = end.before(read, scopeOf(read.backend));
      return due !== undefined && read.endMax < due.offset
        ? [
          `${told(read)} found the end at ${read.endMax}, and it was at ${due.offset} for ${
            told(due.by)
          }`,
        ]
        : [];
    }),
    ...reads.flatMap((read) => {
      const due = start.before(read, scopeOf(read.backend));
      const below = due && read.seen.find(({ offset }) => offset < due.offset);
      return below === undefined
        ? []
        : [`${told(read)} saw ${below.offset}, and it was gone for ${told(due!.by)}`];
    }),
    ...appends.flatMap((append) => {
      const { outcome } = append;
      const due = end.before(append, scopeOf(append.backend));
      return outcome.kind === "rejected" && due !== undefined && outcome.actual! < due.offset
        ? [
          `${told(append)}, as the end was ${outcome.actual}, and it was at ${due.offset} for ${
            told(due.by)
          }`,
        ]
        : [];
    }),
  ];
}

/** What has to be known at any time, by whom. */
class Knowledge {
  /** By who knows it the farthest by any time, in the order of time. */
  readonly #farthest = new Map<string, Fact[]>();

  constructor(facts: readonly Fact[]) {
    for (const fact of facts.toSorted((a, b) => a.at - b.at)) {
      for (const scope of ["client", "backend", "everybody"] as const) {
        const who = circleOf(fact.by, scope);
        const known = this.#farthest.get(who) ?? [];
        if (known.length === 0) this.#farthest.set(who, known);
        if (fact.offset > (known.at(-1)?.offset ?? 0)) known.push(fact);
      }
    }
  }

  /** The farthest that an operation has to know of when it begins. */
  before(operation: Operation, scope: Scope): Fact | undefined {
    return this.#farthest.get(circleOf(operation, scope))
      ?.findLast(({ at }) => at < operation.startedAt);
  }
}

/** Who knows of each other's doings. */
function circleOf({ client, backend }: Operation, scope: Scope): string {
  if (scope === "client") return `client ${client}`;
  return scope === "backend" ? `backend ${backend}` : scope;
}
