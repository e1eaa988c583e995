/**
 * hypercore 10, an append-only log with a Merkle tree over it, with its defaults. It has no append
 * that waits for a sync.
 *
 * @module
 */
import Hypercore from "hypercore";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

/** What is used of it; the package has no types. */
interface Core {
  readonly length: number;
  ready(): Promise<void>;
  append(values: readonly Uint8Array[]): Promise<unknown>;
  get(place: number): Promise<Uint8Array>;
  createReadStream(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export const hypercore: EmbeddedSystem = {
  async open(folder, { promised }: OpenOptions) {
    if (promised === "durable") throw new Error("hypercore never syncs");
    const core: Core = new Hypercore(folder);
    await core.ready();
    return new HypercoreStore(core);
  },
};

class HypercoreStore implements EmbeddedStore<readonly Uint8Array[]> {
  readonly #core: Core;
  readonly #witness = new Witness();

  constructor(core: Core) {
    this.#core = core;
  }

  get count(): number {
    return this.#core.length;
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  append(batch: readonly Uint8Array[]): Promise<unknown> {
    return this.#core.append(batch);
  }

  async scan(): Promise<number> {
    let count = 0;
    for await (const value of this.#core.createReadStream()) {
      this.#witness.see(value);
      count++;
    }
    return count;
  }

  async readEach(places: Uint32Array): Promise<void> {
    for (const place of places) this.#witness.see(await this.#core.get(place));
  }

  close(): Promise<void> {
    return this.#core.close();
  }
}
