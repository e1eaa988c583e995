/**
 * Finds where the values of a JSON text lie, so that a value can be kept byte for byte as it came:
 * a 64-bit integer stays exact, keys keep their order, numbers their spelling.
 *
 * Finding the end of a value needs nothing but counting brackets and skipping strings, where the
 * text is valid JSON; where it is not, what is found is not either, and parsing it says so.
 *
 * @module
 */

/** The members of the JSON object in `text`: the raw text of each value by its name. */
export function sliceObject(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[at] !== "}") {
    const nameEnd = endOfString(text, at);
    const name: string = JSON.parse(text.slice(at, nameEnd));
    const valueStart = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const valueEnd = endOfValue(text, valueStart);
    members.set(name, text.slice(valueStart, valueEnd));
    at = skipSpace(text, valueEnd);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return members;
}

/**
 * The elements of the JSON array in `text`, each as its raw text. What is between the elements is
 * checked here, so the text as a whole need not have been parsed; the elements are not.
 *
 * @throws {SyntaxError} where the text is no array
 */
export function* arrayElements(text: string): Generator<string, void, undefined> {
  let at = skipSpace(text, skipSpace(text, 0) + 1);
  if (text[at] !== "]") {
    for (;;) {
      const end = endOfValue(text, at);
      if (end === at) throw unexpected(text, at);
      yield text.slice(at, end);
      at = skipSpace(text, end);
      if (text[at] === "]") break;
      if (text[at] !== ",") throw unexpected(text, at);
      at = skipSpace(text, at + 1);
    }
  }
  const rest = skipSpace(text, at + 1);
  if (rest < text.length) throw unexpected(text, rest);
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== "{" && first !== "[") return endOfScalar(text, start);
  let depth = 0;
  let at = start;
  do {
    const char = text[at];
    if (char === undefined) throw unexpected(text, at);
    if (char === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (char === "{" || char === "[") depth++;
    else if (char === "}" || char === "]") depth--;
    at++;
  } while (depth > 0);
  return at;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') {
    if (at >= text.length) throw unexpected(text, at);
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

function endOfScalar(text: string, start: number): number {
  let at = start;
  while (at < text.length && !",]} \t\n\r".includes(text[at]!)) at++;
  return at;
}

function unexpected(text: string, at: number): SyntaxError {
  const what = at < text.length ? `character ${JSON.stringify(text[at])}` : "end";
  return new SyntaxError(`Unexpected ${what} at position ${at} of JSON`);
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && " \t\n\r".includes(text[at]!)) at++;
  return at;
}
