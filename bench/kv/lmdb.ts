/**
 * LMDB by way of `lmdb`: keys are text, values bytes. `noSync`: the operating system writes when it
 * likes. A set is a transaction of its own. Its cache is the page cache.
 *
 * @module
 */
import { open, type RootDatabase } from "lmdb";
import { Witness } from "../embedded/store.ts";
import type { Entry, KvStore, KvSystem, Operation } from "./kv_store.ts";

export const lmdbKv: KvSystem = {
  // deno-lint-ignore require-await -- the contract is asynchronous
  async open(folder) {
    return new LmdbKv(open<Uint8Array, string>({ path: folder, encoding: "binary", noSync: true }));
  },
};

class LmdbKv implements KvStore {
  readonly #database: RootDatabase<Uint8Array, string>;
  readonly #witness = new Witness();

  constructor(database: RootDatabase<Uint8Array, string>) {
    this.#database = database;
  }

  runEach(operations: readonly Operation[]): void {
    for (const { key, value } of operations) {
      if (value === undefined) this.#witness.see(this.#database.getBinaryFast(key));
      else this.#database.putSync(key, value);
    }
  }

  setAll(entries: readonly Entry[]): void {
    this.#database.transactionSync(() => {
      for (const { key, value } of entries) this.#database.putSync(key, value);
    });
  }

  list(start: string, limit: number): number {
    let count = 0;
    for (const { value } of this.#database.getRange({ start, limit })) {
      this.#witness.see(value);
      count++;
    }
    return count;
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
