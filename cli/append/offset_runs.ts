/**
 * Where appended records went, as few lines as that takes.
 *
 * @module
 */
import type { AppendResult } from "../../core/backend.ts";

/**
 * Joins what was acknowledged into runs of offsets, partition by partition. While nobody else
 * appends there is one run for each partition, however many batches were sent.
 */
export class OffsetRuns {
  readonly #runs = new Map<number, { start: number; end: number }>();
  readonly #line: (run: string) => Promise<void>;
  readonly #namesPartition: boolean;

  /**
   * @param options.namesPartition whether a line starts with its partition, `1 41..44`
   * @param options.line takes a run that is complete
   */
  constructor(options: { namesPartition: boolean; line: (run: string) => Promise<void> }) {
    this.#namesPartition = options.namesPartition;
    this.#line = options.line;
  }

  /** Adds what was acknowledged; a run that it does not go on with is given out. */
  async add({ partition, start, end }: AppendResult): Promise<void> {
    const run = this.#runs.get(partition);
    if (run !== undefined && run.end === start) {
      run.end = end;
      return;
    }
    this.#runs.set(partition, { start, end });
    if (run !== undefined) await this.#line(this.#format(partition, run));
  }

  /** Gives out the open runs. */
  async finish(): Promise<void> {
    const open = [...this.#runs].sort(([a], [b]) => a - b);
    this.#runs.clear();
    for (const [partition, run] of open) await this.#line(this.#format(partition, run));
  }

  /** The open runs in words, for a message. */
  toString(): string {
    return [...this.#runs].map(([partition, run]) => this.#format(partition, run)).join(", ");
  }

  #format(partition: number, run: { start: number; end: number }): string {
    const offsets = formatOffsets(run);
    return this.#namesPartition ? `${partition} ${offsets}` : offsets;
  }
}

/** `41` for one record, `41..44` for those from 41 up to, not including, 44. */
export function formatOffsets({ start, end }: { start: number; end: number }): string {
  return end === start + 1 ? String(start) : `${start}..${end}`;
}
