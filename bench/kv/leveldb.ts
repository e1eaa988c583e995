/**
 * LevelDB by way of `classic-level`: keys are text, values bytes. A write is no `sync`, its default.
 * The write buffer and the block cache are as in `bench/embedded/`.
 *
 * @module
 */
import { ClassicLevel } from "classic-level";
import { LEVELDB_SIZES } from "../embedded/leveldb.ts";
import { Witness } from "../embedded/store.ts";
import type { Entry, KvStore, KvSystem, Operation } from "./kv_store.ts";

/** Room for a thousand entries: 16 KiB, the default, would hold a tenth. */
const READ_BYTES = 1024 * 1024;
/** Before and behind all keys. */
const [FIRST, LAST] = ["", "\u{10ffff}"];

type Level = ClassicLevel<string, Uint8Array>;

export const levelDbKv: KvSystem = {
  async open(folder) {
    const level: Level = new ClassicLevel(folder, { valueEncoding: "view", ...LEVELDB_SIZES });
    await level.open();
    return new LevelKv(level);
  },
};

class LevelKv implements KvStore {
  readonly #level: Level;
  readonly #witness = new Witness();

  constructor(level: Level) {
    this.#level = level;
  }

  async runEach(operations: readonly Operation[]): Promise<void> {
    for (const { key, value } of operations) {
      if (value === undefined) this.#witness.see(this.#level.getSync(key));
      else await this.#level.put(key, value);
    }
  }

  setAll(entries: readonly Entry[]): Promise<void> {
    return this.#level.batch(
      entries.map(({ key, value }) => ({ type: "put" as const, key, value })),
    );
  }

  async list(start: string, limit: number): Promise<number> {
    const range = { gte: start, limit, highWaterMarkBytes: READ_BYTES };
    const entries = await this.#level.iterator(range).all();
    for (const [, value] of entries) this.#witness.see(value);
    return entries.length;
  }

  settle(): Promise<void> {
    return this.#level.compactRange(FIRST, LAST);
  }

  compact(): Promise<void> {
    return this.settle();
  }

  close(): Promise<void> {
    return this.#level.close();
  }
}
