/**
 * Patterns whose matching takes time in proportion to the text. A backtracking engine takes a time
 * that doubles with each character for some patterns, and whoever writes a schema chooses the pattern.
 *
 * @module
 */
import { messageOf } from "../../core/base/errors.ts";
import { RE2JS } from "re2js";
import { PATTERN_CHARS_MAX } from "./limits.ts";

/** A pattern that is ready to be looked for. */
export interface LinearPattern {
  /** Whether it is anywhere in the text. */
  test(text: string): boolean;
  /** Steps that looking for it in a text takes, about and at most. */
  steps(text: string): number;
}

/** Compiled ones: a schema is compared and compiled more than once. */
const known = new Map<string, LinearPattern>();
const KNOWN_MAX = 1000;

/**
 * Compiles a pattern.
 *
 * @param pattern as of ECMAScript with the flag u, without what cannot be matched in linear time
 * @throws {SyntaxError} saying what is wrong with it
 */
export function linearPattern(pattern: string): LinearPattern {
  const compiled = known.get(pattern);
  if (compiled !== undefined) return compiled;
  if (pattern.length > PATTERN_CHARS_MAX) {
    throw new SyntaxError(`it has ${pattern.length} characters, ${PATTERN_CHARS_MAX} at most`);
  }
  new RegExp(pattern, "u"); // what it means there, it means here: it is never matched by this engine
  let re2: RE2JS;
  try {
    re2 = RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch (cause) {
    throw new SyntaxError(
      `it cannot be matched in linear time, as lookaheads and backreferences cannot (${
        messageOf(cause)
      })`,
      { cause },
    );
  }
  // As many states may be looked at for each character, which is rare and slow.
  const perChar = 1 + re2.programSize() / 4;
  const made: LinearPattern = {
    test: (text) => re2.test(text),
    steps: (text) => 1 + Math.ceil(text.length * perChar),
  };
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(pattern, made);
  return made;
}
