/**
 * The error for a copy that is no copy: what it has, and what its source has, are two histories.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";

/** Which copy, and how the two differ. */
export interface Divergence {
  readonly topic: string;
  readonly partition: number;
  /** The offset from which on they differ, as far as that is known. */
  readonly offset: number;
  /** How, as the end of a sentence. */
  readonly how: string;
}

/** `condition-failed`, with `diverged` in its details. */
export function diverged({ topic, partition, offset, how }: Divergence): SeglogError {
  return new SeglogError(
    "condition-failed",
    `Cannot copy partition ${partition} of "${topic}": ${how}; the two have not the same history`,
    { details: { diverged: true, topic, partition, offset } },
  );
}

/** Whether an error says that a copy and its source have not the same history. */
export function isDiverged(error: unknown): error is SeglogError {
  return error instanceof SeglogError && error.details.diverged === true;
}
