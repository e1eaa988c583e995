/**
 * Values written right behind a short option, as in `-n5` and `-o-10`.
 *
 * @module
 */
import type { Usage, UsageTerm } from "@optique/core/usage";

/**
 * Takes such words apart, `-n5` into `-n` and `5`, `-fn5` into `-f`, `-n` and `5`: users of tail
 * and kcat write them so, and the parser knows them only apart.
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
    const parts = partsOf(word, valueOptions);
    words.push(...parts);
    // Where the option ends the word, the next one is its value, whatever it looks like.
    if (valueOptions.has(parts.at(-1)!) && at + 1 < args.length) words.push(args[++at]!);
  }
  return words;
}

/** The flags, the option and the value in one word; the word itself when there is nothing to part. */
function partsOf(word: string, valueOptions: ReadonlySet<string>): string[] {
  const [, letters = ""] = /^-([a-z]+)/i.exec(word) ?? [];
  const place = [...letters].findIndex((letter) => valueOptions.has(`-${letter}`));
  if (place < 0) return [word];
  const flags = place === 0 ? [] : [`-${letters.slice(0, place)}`];
  const value = word.slice(place + 2);
  return [...flags, `-${letters[place]}`, ...value === "" ? [] : [value]];
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
