/**
 * What was typed at the prompt, kept from one run of the shell to the next: a file of lines, the oldest
 * first, that only its user can read.
 *
 * @module
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Io } from "../io.ts";

/** Lines that can be had again. */
export const HISTORY_LINES_MAX = 1000;
/** A line that is longer was pasted: nobody types it again. Code units. */
const LINE_LENGTH_MAX = 4096;
const MODE = 0o600;

/** The lines of earlier runs, and those of this one. What cannot be kept is gone, and nothing else. */
export class ShellHistory {
  readonly #path: string | undefined;

  /** @param path of the file; without one, nothing is kept */
  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** What earlier runs kept, the newest first. The file is cut when it has grown to twice that. */
  load(): string[] {
    if (this.#path === undefined) return [];
    let lines: string[];
    try {
      lines = readFileSync(this.#path, "utf8").split("\n").filter((line) => line !== "");
    } catch {
      return [];
    }
    const kept = lines.slice(-HISTORY_LINES_MAX);
    if (lines.length >= 2 * HISTORY_LINES_MAX) {
      quietly(() => writeFileSync(this.#path!, `${kept.join("\n")}\n`, { mode: MODE }));
    }
    return kept.reverse();
  }

  /** Keeps a line. One that begins with a space is not kept, as in a shell. */
  add(line: string): void {
    const path = this.#path;
    if (path === undefined || line.trim() === "" || line.startsWith(" ")) return;
    if (line.length > LINE_LENGTH_MAX) return;
    quietly(() => {
      mkdirSync(dirname(path), { recursive: true });
      appendFileSync(path, `${line}\n`, { mode: MODE });
    });
  }
}

/**
 * Where the history of this user is: what `SEGLOG_HISTORY` names, none when that is empty; else below
 * the folder for state of the XDG Base Directory Specification.
 */
export function historyPath({ SEGLOG_HISTORY, XDG_STATE_HOME, HOME, USERPROFILE }: Io["env"]):
  | string
  | undefined {
  if (SEGLOG_HISTORY !== undefined) return SEGLOG_HISTORY || undefined;
  const home = HOME || USERPROFILE;
  const state = XDG_STATE_HOME || (home ? join(home, ".local", "state") : undefined);
  return state === undefined ? undefined : join(state, "seglog", "shell_history");
}

/** A home that cannot be written is no reason to disturb. */
function quietly(write: () => void): void {
  try {
    write();
  } catch {
    // nothing is kept then
  }
}
