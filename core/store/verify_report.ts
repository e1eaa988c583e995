/**
 * What a verification says.
 *
 * @module
 */
import { messageOf, SeglogError } from "../base/errors.ts";

/** Something that is not as it should be: `damage` loses data, a `notice` does not. */
export interface VerifyProblem {
  /** Whether data is lost. */
  readonly severity: "damage" | "notice";
  /** The file or folder. */
  readonly path: string;
  /** Byte position in the file. */
  readonly position?: number;
  /** Offsets `[start, end)` that cannot be read. */
  readonly start?: number;
  /** See `start`; absent when it is not known how far the damage goes. */
  readonly end?: number;
  /** What is wrong. */
  readonly message: string;
}

/** What is in one partition. */
export interface VerifiedPartition {
  /** Its folder. */
  readonly path: string;
  /** Segments, the active one included. */
  readonly segments: number;
  /** Records that could be read, those below the first readable offset included. */
  readonly records: number;
  /** Bytes of its segments. */
  readonly bytes: number;
  /** The offset that the next record gets. */
  readonly nextOffset: number;
}

/** What a verification found. */
export interface VerifyReport {
  /** Whether there is no damage. */
  readonly ok: boolean;
  /** What is in each partition. */
  readonly partitions: readonly VerifiedPartition[];
  /** What is not as it should be, in the order in which it was found. */
  readonly problems: readonly VerifyProblem[];
}

/** Where a problem is. */
export type ProblemPlace = Pick<VerifyProblem, "path" | "position" | "start" | "end">;

/** The problems of a verification, as they are found. */
export class Problems {
  readonly all: VerifyProblem[] = [];

  get hasDamage(): boolean {
    return this.all.some(({ severity }) => severity === "damage");
  }

  damage(place: ProblemPlace, message: string): void {
    this.all.push({ severity: "damage", ...place, message });
  }

  notice(place: ProblemPlace, message: string): void {
    this.all.push({ severity: "notice", ...place, message });
  }

  /** Runs a part of the verification; what it throws is damage there. */
  attempt<T>(place: ProblemPlace, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      this.damage(place, messageOf(error));
      return undefined;
    }
  }
}
