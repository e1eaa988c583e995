/**
 * The words of a line such as `set name Alice Smith`: a word with spaces or line breaks is a JSON
 * string, and the last one wanted takes the rest of the line.
 *
 * @module
 */
import { UsageError } from "../exit.ts";

/** A JSON string, or what goes up to the next space. */
const WORD = /^\s*("(?:[^"\\]|\\.)*"(?=\s|$)|\S+)/;

/**
 * Takes a line apart.
 *
 * @param wordsMax the last of so many is all that is left
 * @throws {UsageError} for a string that is not one
 */
export function wordsOf(line: string, wordsMax: number): string[] {
  const words: string[] = [];
  let rest = line;
  while (rest.trim() !== "") {
    if (words.length === wordsMax - 1) return [...words, unquoted(rest.trim())];
    const [all, word] = WORD.exec(rest)!;
    words.push(unquoted(word!));
    rest = rest.slice(all!.length);
  }
  return words;
}

function unquoted(word: string): string {
  if (!word.startsWith('"')) return word;
  try {
    return JSON.parse(word);
  } catch {
    throw new UsageError(`${word.slice(0, 80)} is no JSON string`);
  }
}
