/**
 * What a check may cost. A schema can make a small document take for ever, as one whose definitions
 * each refer twice to the next one does; so every step is counted, and a check that takes too many is
 * ended.
 *
 * @module
 */

/** Thrown when a check has taken as many steps as it may. */
export class WorkSpent extends Error {
  /** The name of the class. */
  override readonly name = "WorkSpent";
}

/** Counts steps down. */
export class WorkMeter {
  /** Steps that are left. */
  left = 0;

  /** Takes some. @throws {WorkSpent} when there are not as many */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw new WorkSpent("too many steps");
  }
}
