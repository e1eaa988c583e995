/**
 * Whom a store follows: decided when it is opened, and kept in its catalogue.
 *
 * A store that follows another one is its replica: only what the other one has comes into it. Each
 * leadership of the records has a number, the epoch. One that was replaced has a lower one, and
 * nothing more of it is taken in.
 *
 * @module
 */
import type { Capabilities } from "../backend.ts";
import { SeglogError } from "../base/errors.ts";
import { type Catalogue, epochOf, type Followed } from "./catalogue.ts";

/** Whom a store shall follow. */
export interface FollowOptions {
  /** Names the source for people: its address, most often. */
  readonly source: string;
  /** The epoch of the source, when it is known. */
  readonly epoch?: number;
  /** Go on from it although the store has followed one of another name. */
  readonly isOther?: boolean;
}

/** What is possible in a store, and why not. */
export function possibilities(
  folder: string,
  { readOnly, follows }: { readonly readOnly: boolean; readonly follows?: Followed | undefined },
): Omit<Capabilities, "kind"> {
  if (readOnly || follows === undefined) {
    return { canWrite: !readOnly, canTruncateAfter: !readOnly };
  }
  const why = followsWords(folder, follows);
  return {
    canWrite: false,
    canTruncateAfter: false,
    why: { canWrite: why, canTruncateAfter: why },
  };
}

/** The end of a sentence. */
function followsWords(folder: string, { source }: Followed): string {
  return `it follows ${source}; write there, or make it writable with \`seglog promote ${folder}\``;
}

/**
 * The catalogue of a store that is opened for writing, when this is allowed.
 *
 * @param asked whom it shall follow; nobody when it is `undefined`
 * @throws {SeglogError} `read-only` for a replica that shall follow nobody; `exists` for a store of
 * its own that shall follow somebody; `condition-failed` for a source of another name, or one whose
 * leadership was replaced
 */
export function followed(
  folder: string,
  catalogue: Catalogue,
  asked: FollowOptions | undefined,
): Catalogue {
  const { follows, topics } = catalogue;
  if (asked === undefined) {
    if (follows === undefined) return catalogue;
    throw new SeglogError(
      "read-only",
      `Cannot open ${folder} for writing: ${followsWords(folder, follows)}`,
      { details: { source: follows.source, epoch: follows.epoch } },
    );
  }
  checkAsked(asked);
  const { source, epoch = epochOf(catalogue), isOther = false } = asked;
  const refuse = (code: "exists" | "condition-failed", why: string, details = {}) =>
    new SeglogError(code, `Cannot follow ${source} in ${folder}: ${why}`, { details });
  if (follows === undefined && topics.length > 0) {
    throw refuse(
      "exists",
      `it is a store of its own, with ${topics.length} topics; name an empty folder`,
    );
  }
  if (follows !== undefined && follows.source !== source && !isOther) {
    throw refuse(
      "condition-failed",
      `it has followed ${follows.source}. If that is the same under another name, say so; ` +
        "else name an empty folder",
      { expected: follows.source, actual: source },
    );
  }
  const noted = follows?.source === source ? follows : {}; // of another one nothing is known yet
  const known = { ...noted, source, epoch: epochOf(catalogue) };
  return withEpoch(folder, { ...catalogue, follows: known }, epoch);
}

/**
 * The catalogue with the epoch of what is taken in.
 *
 * @throws {SeglogError} `condition-failed` when it is lower than the one that is known
 */
export function withEpoch(folder: string, catalogue: Catalogue, epoch: number): Catalogue {
  const known = epochOf(catalogue);
  if (epoch < known) {
    throw new SeglogError(
      "condition-failed",
      `Cannot take records of epoch ${epoch} into ${folder}: epoch ${known} has replaced it. ` +
        "Follow the one that leads now",
      { details: { expected: known, actual: epoch } },
    );
  }
  const { follows } = catalogue;
  return follows === undefined
    ? { ...catalogue, epoch }
    : { ...catalogue, follows: { ...follows, epoch } };
}

function checkAsked({ source, epoch = 1 }: FollowOptions): void {
  if (source !== "" && Number.isSafeInteger(epoch) && epoch >= 1) return;
  throw new SeglogError(
    "invalid-argument",
    `Cannot follow ${
      JSON.stringify(source)
    } of epoch ${epoch}: give a name, and a whole number from 1`,
  );
}
