/**
 * Backslash escapes in words of the command line, which a shell makes hard to type.
 *
 * @module
 */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  "\\": "\\",
};

/** `text` with `\n`, `\r`, `\t`, `\0` and `\\` replaced; any other backslash stays as it is. */
export function unescape(text: string): string {
  return text.replace(/\\([nrt0\\])/g, (_, letter: string) => ESCAPES[letter]!);
}
