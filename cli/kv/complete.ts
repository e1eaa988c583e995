/**
 * What Tab offers at the prompt: commands, and behind them keys.
 *
 * @module
 */
import type { Kv } from "../../core/kv/kv.ts";

const KEYS_MAX = 100;
/** A command and the beginning of a key, which may be a JSON string that has not ended. */
const FIRST_WORD = /^\s*\w+\s+("(?:[^"\\]|\\.)*|[^\s"]\S*|)$/;

/** What may stand in place of the word at the end of a line, and that word. */
export async function complete(
  kv: Kv,
  { line, commands }: { readonly line: string; readonly commands: readonly string[] },
): Promise<[found: string[], typed: string]> {
  const [, typed] = FIRST_WORD.exec(line) ?? [];
  if (typed === undefined) return [commands.filter((name) => name.startsWith(line)), line];
  const prefix = textOf(typed);
  if (prefix === undefined) return [[], typed];
  const found: string[] = [];
  for await (const key of kv.keys({ prefix, limit: KEYS_MAX })) {
    found.push(typed.startsWith('"') ? JSON.stringify(key) : quotedKey(key));
  }
  return [found, typed];
}

/** A key as it is typed: in quotes when it would else be taken for several words. */
export function quotedKey(key: string): string {
  return /\s|^"|\p{Cc}/u.test(key) ? JSON.stringify(key) : key;
}

function textOf(typed: string): string | undefined {
  if (!typed.startsWith('"')) return typed;
  try {
    return JSON.parse(`${typed}"`);
  } catch {
    return undefined; // it ends within an escape
  }
}
