/**
 * Measuring by the clock.
 *
 * @module
 */
import process from "node:process";

/**
 * Runs steps until `seconds` have passed.
 *
 * @param step does a bit of the work and says how much that was
 * @returns how much was done in a second
 */
export async function rateDuring(
  seconds: number,
  step: (index: number) => number | Promise<number>,
): Promise<number> {
  let done = 0;
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let nowMs = startMs;
  for (let index = 0; nowMs < endMs; index++) {
    const some = step(index);
    done += typeof some === "number" ? some : await some; // no turn of the loop where none is needed
    nowMs = performance.now();
  }
  return done / ((nowMs - startMs) / 1000);
}

/** How many milliseconds something takes. */
export async function millisecondsOf(run: () => unknown): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}

/** Resident memory of this process, in MiB. */
export function residentMiB(): number {
  return process.memoryUsage().rss / 2 ** 20;
}
