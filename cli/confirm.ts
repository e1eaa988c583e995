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
    const left = new Promise<string>((resolve) => asking.once("close", () => resolve("")));
    const answer = await Promise.race([asking.question(`${question} [y/N] `), left]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}
