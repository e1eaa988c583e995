/**
 * Which option was meant: of those that the verb has, as no other would do.
 *
 * @module
 */
import { type Message, optionName, text } from "@optique/core/message";
import { findSimilar } from "@optique/core/suggestion";
import { extractOptionNames, type Usage } from "@optique/core/usage";

/** Letters that may be wrong, too many or missing, and the share of them in a word. */
const WRONG = [{ letters: 1, share: 0.5 }, { letters: 2, share: 0.5 }, { letters: 3, share: 0.3 }];
/** Words such as `-x`: every other letter is as near. */
const LETTER = /^--?.$/;

/**
 * The same reason, with other options to choose from. The parser looks for them in all verbs: it has
 * let go of the one that was asked for when it comes to an option that this one does not have.
 *
 * @param usage of the verb, with what goes with all verbs
 */
export function suggestingFrom(usage: Usage, reason: Message): Message {
  const word = unexpectedOption(reason);
  if (word === undefined) return reason;
  const end = reason.findIndex((term) => "text" in term && /^\s*$|^Did you mean/.test(term.text));
  const said = end < 0 ? reason : reason.slice(0, end);
  const nearest = nearestTo(word, extractOptionNames(usage));
  if (nearest.length === 0) return said;
  const names = nearest.flatMap((name, i) => [text(i === 0 ? " " : " or "), optionName(name)]);
  return [...said, text(" Did you mean"), ...names, text("?")];
}

/** Those that are as near as any. */
function nearestTo(word: string, names: ReadonlySet<string>): readonly string[] {
  if (LETTER.test(word)) return [];
  for (const { letters, share } of WRONG) {
    const found = findSimilar(word, names, { maxDistance: letters, maxDistanceRatio: share });
    if (found.length > 0) return found;
  }
  return [];
}

/** The part of a usage that is about one verb, by its words: `["kv", "get"]`. */
export function usageOf(path: readonly string[], usage: Usage): Usage {
  const [name, ...others] = path;
  if (name === undefined) return usage;
  const branches = usage.flatMap((term) => term.type === "exclusive" ? term.terms : []);
  const branch = [usage, ...branches].find(([first]) =>
    first?.type === "command" && first.name === name
  );
  return branch === undefined ? [] : usageOf(others, branch.slice(1));
}

/** The option that the parser did not know, when that is why it refuses. */
function unexpectedOption([start, word]: Message): string | undefined {
  if (start?.type !== "text" || !start.text.startsWith("Unexpected option")) return undefined;
  const said = word?.type === "value" ? word.value : undefined;
  return said?.startsWith("-") ? said : undefined;
}
