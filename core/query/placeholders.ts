/**
 * What stands in a statement for a value that is given beside it. For SQLite one that is not given is
 * null, and a query that compares with null finds nothing: whoever forgot a value would take that for
 * the answer.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { SqlParameters } from "./cells.ts";
import { pastBlankOrQuoted } from "./statement.ts";

/** A word, in which `$` may be; or what stands for a value: `?`, `?2`, `:name`, `@name`, `$name`. */
const WORD_OR_PLACEHOLDER = /[\w\u0080-\uffff][\w$\u0080-\uffff]*|\?\d*|[:@$][\w$\u0080-\uffff]+/y;

/**
 * Refuses a statement in which something stands for a value that is not given.
 *
 * @throws {SeglogError} `invalid-argument`, which names it
 */
export function demandParameters(statement: string, parameters: SqlParameters): void {
  const names = Array.isArray(parameters) ? [] : Object.keys(parameters);
  const count = Array.isArray(parameters) ? parameters.length : 0;
  let places = 0;
  for (const placeholder of placeholdersIn(statement)) {
    const name = placeholder.slice(1);
    const isGiven = placeholder.startsWith("?")
      ? (places = name === "" ? places + 1 : Number(name)) <= count
      : names.includes(name) || names.includes(placeholder);
    if (isGiven) continue;
    const how = placeholder.startsWith("?")
      ? 'give "params" as an array'
      : `give it with --param ${name}=VALUE, or in "params"`;
    throw new SeglogError(
      "invalid-argument",
      `Cannot run the query: there is no value for ${placeholder.slice(0, 80)}; ${how}`,
    );
  }
}

function* placeholdersIn(statement: string): Generator<string> {
  for (let at = 0; at < statement.length;) {
    const past = pastBlankOrQuoted(statement, at);
    if (past > at) {
      at = past;
      continue;
    }
    WORD_OR_PLACEHOLDER.lastIndex = at;
    const [token] = WORD_OR_PLACEHOLDER.exec(statement) ?? [];
    if (token !== undefined && /^[?:@$]/.test(token)) yield token;
    at += token?.length ?? 1;
  }
}
