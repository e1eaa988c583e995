/**
 * seglog's key-value view of a topic in a store on disk, through the public interface: `sync: "os"`,
 * and nothing else is set.
 *
 * @module
 */
import { Kv, Store } from "../../mod.ts";
import { Witness } from "../embedded/store.ts";
import type { Entry, KvStore, KvSystem, Operation } from "./kv_store.ts";

export const seglogKv: KvSystem = {
  async open(folder) {
    const store = await Store.open(folder);
    return new SeglogKv(store, await Kv.open(store, "bench", { sync: "os" }));
  },
};

class SeglogKv implements KvStore {
  readonly #store: Store;
  readonly #kv: Kv;
  readonly #witness = new Witness();

  constructor(store: Store, kv: Kv) {
    this.#store = store;
    this.#kv = kv;
  }

  async runEach(operations: readonly Operation[]): Promise<void> {
    for (const { key, value } of operations) {
      if (value === undefined) this.#witness.see((await this.#kv.get(key))?.value);
      else await this.#kv.set(key, value);
    }
  }

  setAll(entries: readonly Entry[]): Promise<unknown> {
    return this.#kv.transaction((transaction) => {
      for (const { key, value } of entries) transaction.set(key, value);
    });
  }

  async list(start: string, limit: number): Promise<number> {
    let count = 0;
    for await (const { value } of this.#kv.list({ start, limit })) {
      this.#witness.see(value);
      count++;
    }
    return count;
  }

  compact(): Promise<unknown> {
    return this.#kv.compact();
  }

  async close(): Promise<void> {
    await this.#kv.close();
    await this.#store.close();
  }
}
