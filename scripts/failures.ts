/**
 * What the output of a test runner tells of the tests that failed. Each runner says it in its own
 * place: Deno and Node once more at the end, Bun above the line that the test failed.
 *
 * @module
 */

/** A test that failed. */
export interface Failure {
  readonly name: string;
  /** The first lines of why: the message, and where it was thrown when it is short. */
  readonly reason: readonly string[];
}

const REASON_LINES = 8;
const OUTPUT_LINES_SHOWN = 150;
const FAILURES_SHOWN = 5;
/** How far above the line that a test failed Bun's reason is shown. */
const BUN_LINES_ABOVE = 40;

const BUN_FAILURE = /^\(fail\) (.+?)(?: \[[\d.]+m?s\])?$/;
/** What a reason ends at: the next test, or the next part of the output. */
const NEXT = /^(?:.+ => \S+| FAILURES |test at .+|\((?:pass|fail|skip)\) .+)$/;
/** Lines of a stack that are not ours. */
const OF_RUNTIME = /^at .*\((?:node|ext):/;
const BUN_TEST = /^\((?:pass|fail|skip)\) /;
const BUN_REASON = /^\w*error(?:: | \[)/i;

/** The tests that failed, in the order of the output. */
export function failuresOf(output: string): Failure[] {
  const lines = output.split("\n");
  return lines.flatMap((line, i) => {
    const before = lines[i - 1] ?? "";
    if (line.startsWith("error: ") && before.includes(" => ")) {
      return [{ name: before.replace(/ => \S+$/, ""), reason: reasonAt(lines, i) }];
    }
    if (line.startsWith("✖ ") && before.startsWith("test at ")) {
      const name = `${line.slice(2)} at ${before.slice("test at ".length)}`;
      return [{ name, reason: reasonAt(lines, i + 1) }];
    }
    const bun = BUN_FAILURE.exec(line);
    if (bun === null) return [];
    const near = lines.slice(Math.max(0, i - BUN_LINES_ABOVE), i);
    const above = near.slice(near.findLastIndex((text) => BUN_TEST.test(text)) + 1);
    const start = above.findLastIndex((text) => BUN_REASON.test(text));
    return [{ name: bun[1]!, reason: start < 0 ? [] : reasonAt(above, start) }];
  });
}

function reasonAt(lines: readonly string[], start: number): string[] {
  const end = lines.findIndex((line, i) => i > start && NEXT.test(line));
  return lines.slice(start, end < 0 ? undefined : end).map((line) => line.trim())
    .filter((line) => line !== "" && !OF_RUNTIME.test(line)).slice(0, REASON_LINES);
}

/**
 * The lines of one output that tell what went wrong: the last ones, and of Bun's those above the first
 * failures.
 */
export function shownOf(text: string): string[] {
  const lines = text.trimEnd().split("\n");
  const isShown = new Set<number>();
  const show = (from: number, until: number) => {
    for (let i = Math.max(0, from); i < until; i++) isShown.add(i);
  };
  lines.flatMap((line, i) => BUN_FAILURE.test(line) ? [i] : []).slice(0, FAILURES_SHOWN)
    .forEach((i) => show(i - BUN_LINES_ABOVE, i + 1));
  show(lines.length - OUTPUT_LINES_SHOWN, lines.length);
  return [...isShown].toSorted((a, b) => a - b)
    .flatMap((i) => i > 0 && !isShown.has(i - 1) ? ["…", lines[i]!] : [lines[i]!]);
}
