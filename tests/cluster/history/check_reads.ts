/** What is promised to whoever reads: no gaps, and never less than what was to be seen before. */
import type { Part } from "./check_log.ts";
import { type Append, type Operation, type Read, told, type Truncation } from "./history.ts";

/**
 * Whose doings a read has to see when they ended before it began: those of its client, of all who
 * use the same backend, or everybody's.
 */
export type Scope = "client" | "backend" | "everybody";

export function checkReads(part: Part, scope: Scope): string[] {
  return [...part.reads.flatMap(gapsIn), ...checkFreshness(part, scope)];
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

function checkFreshness({ appends, reads, truncations }: Part, scope: Scope): string[] {
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
  const end = new Knowledge(ends, scope);
  const start = new Knowledge(starts, scope);
  return [
    ...reads.flatMap((read) => {
      const due = end.before(read);
      return due !== undefined && read.endMax < due.offset
        ? [
          `${told(read)} found the end at ${read.endMax}, and it was at ${due.offset} for ${
            told(due.by)
          }`,
        ]
        : [];
    }),
    ...reads.flatMap((read) => {
      const due = start.before(read);
      const below = due && read.seen.find(({ offset }) => offset < due.offset);
      return below === undefined
        ? []
        : [`${told(read)} saw ${below.offset}, and it was gone for ${told(due!.by)}`];
    }),
    ...appends.flatMap((append) => {
      const { outcome } = append;
      const due = end.before(append);
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
  readonly #scope: Scope;
  /** The farthest by any time, in the order of time. */
  readonly #farthest = new Map<string, Fact[]>();

  constructor(facts: readonly Fact[], scope: Scope) {
    this.#scope = scope;
    for (const fact of facts.toSorted((a, b) => a.at - b.at)) {
      for (const who of this.#circles(fact.by)) {
        const known = this.#farthest.get(who) ?? [];
        if (known.length === 0) this.#farthest.set(who, known);
        if (fact.offset > (known.at(-1)?.offset ?? 0)) known.push(fact);
      }
    }
  }

  /** The farthest that an operation has to know of when it begins. */
  before(operation: Operation): Fact | undefined {
    const due = this.#circles(operation)
      .map((who) => this.#farthest.get(who)?.findLast(({ at }) => at < operation.startedAt))
      .filter((fact) => fact !== undefined);
    return due.toSorted((a, b) => a.offset - b.offset).at(-1);
  }

  #circles({ client, backend }: Operation): string[] {
    if (this.#scope === "client") return [`client ${client}`];
    return [this.#scope === "backend" ? `backend ${backend}` : "everybody"];
  }
}
