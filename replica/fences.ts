/**
 * What was acknowledged through a node, and its copy may not have yet.
 *
 * @module
 */

/** Where a partition has to be before the node shows it. */
export interface Fence {
  /** The end of what was written, or 0. */
  readonly end: number;
  /** The first readable offset that a truncation made, or 0. */
  readonly start: number;
}

const NONE: Fence = { end: 0, start: 0 };

/** Fences by topic and partition. Those that the copy has passed are taken away. */
export class Fences {
  readonly #topics = new Map<string, Map<number, Fence>>();

  /** The fence of a partition; `undefined` where the copy can be read as it is. */
  of(topic: string, partition: number): Fence | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  /** The partitions of a topic that have one. */
  partitionsOf(topic: string): number[] {
    return [...this.#topics.get(topic)?.keys() ?? []];
  }

  /** Moves a fence on; it never moves back. */
  raise(topic: string, partition: number, { end = 0, start = 0 }: Partial<Fence>): void {
    const fences = this.#topics.get(topic) ?? new Map<number, Fence>();
    const before = fences.get(partition) ?? NONE;
    fences.set(partition, {
      end: Math.max(before.end, end),
      start: Math.max(before.start, start),
    });
    this.#topics.set(topic, fences);
  }

  /** The copy has passed a fence, unless it was moved on meanwhile. */
  passed(topic: string, partition: number, fence: Fence): void {
    const fences = this.#topics.get(topic);
    if (fences?.get(partition) !== fence) return;
    fences.delete(partition);
    if (fences.size === 0) this.#topics.delete(topic);
  }

  /** Takes those of a topic away: it is gone. */
  clear(topic: string): void {
    this.#topics.delete(topic);
  }
}
