/**
 * What is fuzzed: a decoder, with valid inputs to start from, a way to change them that gets past
 * the first checks, and what has to hold whatever comes in.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ErrorCode, SeglogError } from "../../mod.ts";
import type { Random } from "../support/random.ts";

/** One thing that reads bytes from outside. */
export interface FuzzTarget {
  /** Also the folder of its corpus. */
  readonly name: string;
  /** Inputs that are right: what mutations start from. */
  readonly seeds: readonly Uint8Array[];
  /** Another input, made of one that was tried before. */
  mutate(random: Random, input: Uint8Array): Uint8Array;
  /**
   * Feeds the input to the decoder and asserts all that is promised.
   *
   * @returns in a word how it ended, for counting
   */
  check(input: Uint8Array): string | Promise<string>;
}

/** What a call came to: a result, or an error that has a code. */
export type Outcome<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: SeglogError };

/**
 * Runs something that must end with a result or a `SeglogError`.
 *
 * @param codes the codes that the error may have; any that is not a fault of ours unless given
 */
export async function outcomeOf<T>(
  run: () => T | Promise<T>,
  codes?: readonly ErrorCode[],
): Promise<Outcome<T>> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: expectedError(error, codes) };
  }
}

/** The error, when it is one that may be. Anything else is a find. */
export function expectedError(error: unknown, codes?: readonly ErrorCode[]): SeglogError {
  if (!(error instanceof SeglogError)) throw error;
  const isAllowed = codes === undefined ? error.code !== "internal" : codes.includes(error.code);
  assert.ok(isAllowed, `${error.code}: ${error.message}`);
  return error;
}

/** How reading what is damaged may end. */
export const READ_CODES: readonly ErrorCode[] = ["corrupt", "lost", "offset-out-of-range"];
