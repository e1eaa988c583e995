/**
 * Entity tags (RFC 9110, 8.8.3), and the conditions of requests that are made of them.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { WHOLE } from "./query.ts";

/** One tag, weak or not, of a list. */
const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const STRONG = /^"([^"]*)"$/;

/** When a key may be written: at one revision (`ifRevision`), with any value, or with none. */
export interface WriteCondition {
  readonly ifRevision?: number;
  readonly ifPresent?: true;
  readonly ifAbsent?: true;
}

/** The tag of a revision. */
export function revisionTag(revision: number): string {
  return `"${revision}"`;
}

/**
 * What `If-Match` and `If-None-Match` say of a write to a key whose tag is its revision.
 *
 * @throws {SeglogError} `invalid-argument` for what no key can be compared with
 */
export function revisionCondition(request: Request): WriteCondition {
  const text = strongTag(request);
  if (text === undefined || typeof text === "object") return text ?? {};
  const revision = WHOLE.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(revision)) return { ifRevision: revision };
  throw refused("If-Match", `"${text}"`, 'give a revision, such as "41", or *');
}

/**
 * What a write depends on: the inside of a tag, or whether there is a value; `undefined` is nothing.
 *
 * @throws {SeglogError} `invalid-argument` for weak tags, several, and both headers at once
 */
export function strongTag(request: Request): string | WriteCondition | undefined {
  const match = request.headers.get("if-match");
  const noneMatch = request.headers.get("if-none-match");
  if (noneMatch !== null) {
    if (noneMatch.trim() !== "*") throw refused("If-None-Match", noneMatch, "a write takes *");
    if (match !== null) throw refused("If-Match", match, "give it or If-None-Match, not both");
    return { ifAbsent: true };
  }
  if (match === null) return undefined;
  if (match.trim() === "*") return { ifPresent: true };
  const strong = STRONG.exec(match.trim());
  if (strong === null) throw refused("If-Match", match, 'give one strong tag, such as "41", or *');
  return strong[1]!;
}

/**
 * Refuses a condition that no deletion can have.
 *
 * @throws {SeglogError} `invalid-argument`
 */
export function refuseIfAbsent({ ifAbsent }: WriteCondition): void {
  if (ifAbsent) {
    throw refused("If-None-Match", "*", "there is nothing to delete then; use If-Match");
  }
}

/**
 * Whether a reader has what it asks for, by its `If-None-Match`; weak tags compare as strong ones.
 *
 * @param tag of what is there
 * @throws {SeglogError} `invalid-argument` for what is no list of tags
 */
export function isKnown(request: Request, tag: string): boolean {
  const header = request.headers.get("if-none-match");
  if (header === null) return false;
  if (header.trim() === "*") return true;
  const tags = header.split(",").map((part) => part.trim());
  if (!tags.every((one) => TAG.test(one))) {
    throw refused(
      "If-None-Match",
      header,
      'give tags, such as "41", with commas between them, or *',
    );
  }
  return tags.some((one) => one.replace(/^W\//, "") === tag);
}

function refused(header: string, text: string, advice: string): SeglogError {
  const shown = JSON.stringify(text.slice(0, 80));
  return new SeglogError("invalid-argument", `Cannot use ${header}: ${shown}: ${advice}`, {
    details: { header },
  });
}
