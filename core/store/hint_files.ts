/**
 * Hints of views, as files in the folder of a topic's first partition: `<name>.hint`. They go when
 * the topic goes, and are in no backup. A view that is a database has a log of its own beside it.
 *
 * @module
 */
import { join } from "node:path";
import type { Hints, OpenHint } from "../backend.ts";
import type { Disk, DiskLock } from "../disk/disk.ts";
import { checkHeld, removeIfThere } from "../disk/files.ts";
import { nodeDisk } from "../disk/node_disk.ts";

const HINT_SUFFIX = ".hint";
const HINT_NAME = /^[a-z0-9-]{1,40}\.hint(?:-(?:wal|shm|journal))?$/;

/** Whether a file in the folder of a log is a hint. */
export function isHintFile(name: string): boolean {
  return HINT_NAME.test(name);
}

/** Hints of the topics of one store. */
export class HintFiles implements Hints {
  readonly #disk: Disk;
  /** There is none where the store is only read. */
  readonly #lock: DiskLock | undefined;
  readonly #folderOf: (topic: string) => string;

  /** @param folderOf throws `not-found` for a topic that is not there */
  constructor(disk: Disk, { lock, folderOf }: {
    readonly lock: DiskLock | undefined;
    readonly folderOf: (topic: string) => string;
  }) {
    this.#disk = disk;
    this.#lock = lock;
    this.#folderOf = folderOf;
  }

  open(topic: string, name: string): OpenHint | undefined {
    const path = this.#pathOf(topic, name);
    return this.#disk.sizeOf(path) === undefined ? undefined : this.#disk.open(path, "read");
  }

  pathOf(topic: string, name: string): string | undefined {
    return this.#disk === nodeDisk ? this.#pathOf(topic, name) : undefined;
  }

  async keep(topic: string, name: string, pieces: Iterable<Uint8Array>): Promise<void> {
    const lock = this.#lock;
    if (lock === undefined) return; // beside the owner nothing is written
    const path = this.#pathOf(topic, name);
    checkHeld(lock, `keep ${path}`);
    const temporary = `${path}.tmp`;
    removeIfThere(this.#disk, temporary);
    const file = this.#disk.create(temporary);
    try {
      let position = 0;
      for (const piece of pieces) {
        file.write(piece, position);
        position += piece.length;
      }
      await file.sync(); // or a crash could leave the name with half of the bytes
    } finally {
      file.close();
    }
    checkHeld(lock, `keep ${path}`);
    this.#disk.rename(temporary, path);
  }

  #pathOf(topic: string, name: string): string {
    return join(this.#folderOf(topic), `${name}${HINT_SUFFIX}`);
  }
}
