/**
 * How a verb is told what has to be there before it reads.
 *
 * @module
 */
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { count, waitingTime } from "./values.ts";
import { prose } from "./verb.ts";

/** What records are waited for, and how long. */
export interface MinOffsetOptions {
  readonly minOffset: number | undefined;
  readonly minOffsetWait: number | undefined;
}

/** What revision of a bucket is waited for, and how long. */
export interface MinRevisionOptions {
  readonly minRevision: number | undefined;
  readonly minRevisionWait: number | undefined;
}

const WAIT = prose`How long to wait for that at the most. 5s unless given.`;

/** The options of verbs that read records. */
export const minOffsetOptions = {
  minOffset: optional(option("--min-offset", count("N"), {
    description: prose`Read only when the end has passed this offset: what append printed as an end
      is seen then, whichever server took it.`,
  })),
  minOffsetWait: optional(option("--min-offset-wait", waitingTime(), { description: WAIT })),
};

/** The options of verbs that read a bucket. */
export const minRevisionOptions = {
  minRevision: optional(option("--min-revision", count("N"), {
    description: prose`Read only when the bucket shows this revision: what set printed is seen then,
      whichever server took it.`,
  })),
  minRevisionWait: optional(option("--min-revision-wait", waitingTime(), { description: WAIT })),
};
