/**
 * What a careful user of a synchronous store writes by hand: appends of one turn of the event loop
 * go into one transaction, and all their callers hear of it together.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import type { EmbeddedStore, EmbeddedSystem } from "./store.ts";

/** Another system, with its appends gathered. */
export function coalesced(system: EmbeddedSystem): EmbeddedSystem {
  return {
    async open(folder, options) {
      return new CoalescedStore(await system.open(folder, options));
    },
  };
}

class CoalescedStore implements EmbeddedStore<readonly Uint8Array[]> {
  readonly #store: EmbeddedStore;
  #values: Uint8Array[] = [];
  #turn: Promise<void> | undefined;

  constructor(store: EmbeddedStore) {
    this.#store = store;
  }

  get count(): number {
    return this.#store.count;
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  append(batch: readonly Uint8Array[]): Promise<void> {
    for (const value of batch) this.#values.push(value);
    this.#turn ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        const values = this.#values;
        this.#values = [];
        this.#turn = undefined;
        try {
          resolve(this.#store.append(this.#store.prepare(values)) as void);
        } catch (error) {
          reject(error);
        }
      });
    });
    return this.#turn;
  }

  scan(): Promise<number> | number {
    return this.#store.scan();
  }

  readEach(places: Uint32Array): Promise<void> | void {
    return this.#store.readEach(places);
  }

  close(): Promise<void> | void {
    return this.#store.close();
  }
}
