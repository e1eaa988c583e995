/**
 * Values written right behind a short option, as in `-n5` and `-o-10`.
 *
 * @module
 */
import type { Usage, UsageTerm } from "@optique/core/usage";

/**
 * Takes such words apart, `-n5` into `-n` and `5`: users of tail and kcat write them so, and the
 * parser knows them only apart.
 *
 * @param valueOptions the options, long ones too, that a value follows
 */
export function detachValues(
  args: readonly string[],
  valueOptions: ReadonlySet<string>,
): string[] {
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === "--") return [...words, ...args.slice(at)];
    const option = word.slice(0, 2);
    if (valueOptions.has(word)) {
      words.push(word, ...args.slice(at + 1, at + 2));
      at++; // the next word is its value, whatever it looks like
    } else if (word.length > 2 && option !== "--" && valueOptions.has(option)) {
      words.push(option, word.slice(2));
    } else words.push(word);
  }
  return words;
}

/** The names of all options in a usage that a value follows. */
export function valueOptionsOf(usage: Usage): Set<string> {
  const names = new Set<string>();
  const visit = (term: UsageTerm) => {
    if (term.type === "option" && term.metavar !== undefined) {
      for (const name of term.names) names.add(name);
    } else if (term.type === "exclusive") term.terms.forEach((branch) => branch.forEach(visit));
    else if ("terms" in term) term.terms.forEach(visit);
  };
  usage.forEach(visit);
  return names;
}
