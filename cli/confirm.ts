/**
 * Asking before something is removed.
 *
 * @module
 */
import { createInterface } from "node:readline/promises";
import { UsageError } from "./exit.ts";
import type { Context } from "./grammar/verb.ts";

/**
 * Whether to go on: asks the person at the terminal.
 *
 * @param question ends in a question mark
 * @throws {UsageError} when there is nobody to ask
 */
export async function confirmed({ io }: Context, question: string): Promise<boolean> {
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) {
    throw new UsageError(`${question} There is no terminal to ask on: give -y`);
  }
  const asking = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const left = new Promise<undefined>((resolve) =>
      asking.once("close", () => resolve(undefined))
    );
    const answer = await Promise.race([asking.question(`${question} [y/N] `), left]);
    if (answer === undefined) io.stderr.write("\n"); // Ctrl-C and Ctrl-D leave the line open
    return answer !== undefined && /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
