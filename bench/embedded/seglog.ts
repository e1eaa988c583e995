/**
 * seglog in the process, through its public interface.
 *
 * `buffered` is `sync: "os"`, `durable` is `sync: "always"`, the default. Nothing else is set.
 *
 * @module
 */
import { type Codec, Log, type RecordInput } from "../../mod.ts";
import { openTopics } from "./seglog_topics.ts";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

/** seglog with batches that are compressed so. */
export function seglog(compression: Codec): EmbeddedSystem {
  return {
    async open(folder, { promised, topics, segmentBytes }: OpenOptions) {
      const sync = promised === "durable" ? "always" : "os";
      const size = segmentBytes === undefined ? {} : { segmentBytes };
      const settings = { sync, compression, ...size } as const;
      if (topics !== undefined) return await openTopics(folder, { topics, settings });
      return new SeglogStore(await Log.open(folder, settings));
    },
  };
}

class SeglogStore implements EmbeddedStore<RecordInput[]> {
  readonly #log: Log;
  readonly #witness = new Witness();

  constructor(log: Log) {
    this.#log = log;
  }

  get count(): number {
    return this.#log.nextOffset;
  }

  prepare(values: readonly Uint8Array[]): RecordInput[] {
    return values.map((value) => ({ value }));
  }

  append(batch: RecordInput[]): Promise<unknown> {
    return this.#log.appendAll(batch);
  }

  async scan(): Promise<number> {
    let count = 0;
    for await (const batch of this.#log.batches()) {
      for (const { value } of batch.records()) {
        this.#witness.see(value!);
        count++;
      }
    }
    return count;
  }

  async readEach(places: Uint32Array): Promise<void> {
    for (const place of places) this.#witness.see((await this.#log.read(place)).value!);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
