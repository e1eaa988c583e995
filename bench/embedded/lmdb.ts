/**
 * LMDB, a B+tree in mapped memory, by way of `lmdb`: keys are 32-bit numbers, values bytes.
 *
 * `buffered` is `noSync`: the operating system writes when it likes. `durable` waits for `flushed`
 * with overlapping syncs, as its README advises: a sync runs beside the transactions after it.
 *
 * @module
 */
import { type Key, open, type RootDatabase } from "lmdb";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

export const lmdb: EmbeddedSystem = {
  // deno-lint-ignore require-await -- the contract is asynchronous
  async open(folder, { promised }: OpenOptions) {
    const database = open<Uint8Array, Key>({
      path: folder,
      encoding: "binary",
      keyEncoding: "uint32",
      noSync: promised === "buffered",
    });
    return new LmdbStore(database, promised === "durable");
  },
};

class LmdbStore implements EmbeddedStore<readonly Uint8Array[]> {
  readonly #database: RootDatabase<Uint8Array, Key>;
  readonly #isDurable: boolean;
  readonly #witness = new Witness();
  #next: number;

  constructor(database: RootDatabase<Uint8Array, Key>, isDurable: boolean) {
    this.#database = database;
    this.#isDurable = isDurable;
    const [last] = database.getKeys({ reverse: true, limit: 1 });
    this.#next = last === undefined ? 0 : Number(last) + 1;
  }

  get count(): number {
    return this.#next;
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  append(batch: readonly Uint8Array[]): Promise<unknown> | void {
    if (this.#isDurable) return this.#appendDurably(batch);
    this.#database.transactionSync(() => {
      for (const value of batch) this.#database.putSync(this.#next++, value, { append: true });
    });
  }

  async #appendDurably(batch: readonly Uint8Array[]): Promise<void> {
    if (batch.length === 1) await this.#database.put(this.#next++, batch[0]!);
    else {
      await this.#database.batch(() => {
        for (const value of batch) this.#database.put(this.#next++, value);
      });
    }
    await this.#database.flushed;
  }

  scan(): number {
    let count = 0;
    for (const { value } of this.#database.getRange()) {
      this.#witness.see(value);
      count++;
    }
    return count;
  }

  readEach(places: Uint32Array): void {
    for (const place of places) this.#witness.see(this.#database.getBinaryFast(place));
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
