/** What a mutant is. */

/** One change to one file. */
export interface Mutant {
  /** What is taken away. */
  readonly rule: string;
  readonly file: string;
  /** Text that is in the file once. */
  readonly find: string;
  readonly replace: string;
  /** Tests of which one must fail. */
  readonly tests: readonly string[];
  /** The tests run on Bun: what Deno does by itself cannot be missed there. */
  readonly isForBun?: boolean;
  /** The tests are skipped where there is no nats-server: the mutant is passed over there. */
  readonly needsNats?: boolean;
}

/** Mutants of one file: what is taken away, the text, what stands in its place, other tests. */
export function mutantsOf(
  file: string,
  tests: readonly string[],
  ...changes: readonly (readonly [rule: string, find: string, replace: string, tests?: string[]])[]
): Mutant[] {
  return changes.map(([rule, find, replace, own]) => ({
    rule,
    file,
    find,
    replace,
    tests: own ?? tests,
  }));
}

/** Mutants that only tests with a nats-server notice. */
export function withNats(mutants: readonly Mutant[]): Mutant[] {
  return mutants.map((mutant) => ({ ...mutant, needsNats: true }));
}
