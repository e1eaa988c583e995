/**
 * seglog with many topics: batches go to them in turn, and a record's place tells where it went.
 *
 * @module
 */
import { type RecordInput, Store, type TopicConfig } from "../../mod.ts";
import { FILLED_BATCH } from "../values.ts";
import { type EmbeddedStore, Witness } from "./store.ts";

/** Opens a store and every topic in it, so that each knows where it ends. */
export async function openTopics(
  folder: string,
  { topics, settings }: { topics: number; settings: Partial<TopicConfig> },
): Promise<EmbeddedStore> {
  const store = await Store.open(folder);
  const names = Array.from({ length: topics }, (_, i) => `topic-${i}`);
  let count = 0;
  for (const name of names) {
    await store.ensureTopic(name, settings);
    count += (await store.bounds(name)).nextOffset;
  }
  return new TopicsStore(store, names, count);
}

class TopicsStore implements EmbeddedStore<RecordInput[]> {
  readonly #store: Store;
  readonly #names: readonly string[];
  readonly #witness = new Witness();
  #batches = 0;
  count: number;

  constructor(store: Store, names: readonly string[], count: number) {
    this.#store = store;
    this.#names = names;
    this.count = count;
  }

  prepare(values: readonly Uint8Array[]): RecordInput[] {
    return values.map((value) => ({ value }));
  }

  append(batch: RecordInput[]): Promise<unknown> {
    this.count += batch.length;
    return this.#store.append(this.#names[this.#batches++ % this.#names.length]!, batch);
  }

  async scan(): Promise<number> {
    let count = 0;
    for (const name of this.#names) {
      for await (const batch of this.#store.batches(name)) {
        for (const { value } of batch.records()) {
          this.#witness.see(value!);
          count++;
        }
      }
    }
    return count;
  }

  async readEach(places: Uint32Array): Promise<void> {
    for (const place of places) {
      const batch = Math.floor(place / FILLED_BATCH);
      const name = this.#names[batch % this.#names.length]!;
      const offset = Math.floor(batch / this.#names.length) * FILLED_BATCH +
        place % FILLED_BATCH;
      this.#witness.see((await this.#store.read(name, offset)).value!);
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
