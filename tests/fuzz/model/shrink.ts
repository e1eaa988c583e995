/**
 * Makes a failing sequence shorter: leaves out halves, quarters, and so on down to single steps, for
 * as long as it still fails. It is the idea of delta debugging (Zeller and Hildebrandt, 2002).
 *
 * @module
 */

/** @param runsMax most tries */
export async function shrunk<Step>(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  runsMax: number,
): Promise<readonly Step[]> {
  let shortest = steps;
  let runs = 0;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < shortest.length && runs < runsMax;) {
      const shorter = shortest.toSpliced(at, size);
      runs++;
      if (shorter.length > 0 && await fails(shorter)) shortest = shorter;
      else at += size;
    }
  }
  return shortest;
}
