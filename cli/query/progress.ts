/**
 * A line on standard error that says how far a view is that is being made.
 *
 * @module
 */
import type { Output } from "../output.ts";
import { formatCount } from "../units.ts";

const REDRAW_MS = 200;

/** How far a view is. */
export interface NamedProgress {
  readonly topic: string;
  readonly done: number;
  readonly total: number;
}

/** Draws it, where standard error is a terminal. */
export function drawProgress(output: Output, { topic, done, total }: NamedProgress): void {
  if (total === 0) return;
  output.status(`view of ${topic}: ${formatCount(done)} of ${formatCount(total)} records`);
}

/** Draws it now and then. @returns ends that, and clears the line */
export function watchProgress(
  output: Output,
  progress: () => NamedProgress | undefined,
): () => void {
  const timer = setInterval(() => {
    const now = progress();
    if (now !== undefined) drawProgress(output, now);
  }, REDRAW_MS);
  return () => {
    clearInterval(timer);
    output.status("");
  };
}
