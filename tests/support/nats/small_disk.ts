import * as fs from "node:fs";
import { join } from "node:path";

/** A disk that holds little, and can be filled up and emptied. */
export class SmallDisk {
  readonly #ballast: string;

  constructor(folder: string) {
    this.#ballast = join(folder, "ballast");
  }

  /** Takes all the space that is left. */
  fill(): void {
    const file = fs.openSync(this.#ballast, "a");
    try {
      for (const bytes of [65536, 4096, 1]) writeWhilePossible(file, new Uint8Array(bytes));
    } finally {
      fs.closeSync(file);
    }
  }

  /** Gives it back. */
  free(): void {
    fs.rmSync(this.#ballast);
  }
}

function writeWhilePossible(file: number, bytes: Uint8Array): void {
  try {
    while (fs.writeSync(file, bytes) > 0);
  } catch (error) {
    if (!/ENOSPC|No space/.test((error as Error).message)) throw error;
  }
}
