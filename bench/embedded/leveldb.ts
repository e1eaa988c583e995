/**
 * LevelDB, a log-structured merge tree, by way of `classic-level`: keys are big-endian numbers of
 * eight bytes.
 *
 * `durable` is `sync: true` on each batch. The write buffer and the block cache are 64 MiB instead
 * of 4 and 8, which LevelDB advises for bulk writes and for reading what fits in memory; compression
 * is Snappy, its default.
 *
 * @module
 */
import { ClassicLevel } from "classic-level";
import { type EmbeddedStore, type EmbeddedSystem, type OpenOptions, Witness } from "./store.ts";

/** The sizes that are set. */
export const LEVELDB_SIZES = {
  writeBufferSize: 64 * 1024 * 1024,
  cacheSize: 64 * 1024 * 1024,
} as const;
const RECORDS_PER_READ = 1000;
/** Room for that many records: 16 KiB, the default, would hold an eighth. */
const READ_BYTES = 1024 * 1024;

type Level = ClassicLevel<Uint8Array, Uint8Array>;

export const levelDb: EmbeddedSystem = {
  async open(folder, { promised }: OpenOptions) {
    const level: Level = new ClassicLevel(folder, {
      keyEncoding: "view",
      valueEncoding: "view",
      ...LEVELDB_SIZES,
    });
    await level.open();
    const [last] = await level.keys({ reverse: true, limit: 1 }).all();
    return new LevelStore(
      level,
      promised === "durable",
      last === undefined ? 0 : placeOf(last) + 1,
    );
  },
};

class LevelStore implements EmbeddedStore<readonly Uint8Array[]> {
  readonly #level: Level;
  readonly #isDurable: boolean;
  readonly #witness = new Witness();
  #next: number;

  constructor(level: Level, isDurable: boolean, next: number) {
    this.#level = level;
    this.#isDurable = isDurable;
    this.#next = next;
  }

  get count(): number {
    return this.#next;
  }

  prepare(values: readonly Uint8Array[]): readonly Uint8Array[] {
    return values;
  }

  append(batch: readonly Uint8Array[]): Promise<void> {
    const puts = batch.map((value) => ({
      type: "put" as const,
      key: keyOf(this.#next++),
      value,
    }));
    return this.#level.batch(puts, { sync: this.#isDurable });
  }

  async scan(): Promise<number> {
    let count = 0;
    const values = this.#level.values({ highWaterMarkBytes: READ_BYTES });
    for (;;) {
      const some = await values.nextv(RECORDS_PER_READ);
      for (const value of some) this.#witness.see(value);
      count += some.length;
      if (some.length === 0) break;
    }
    await values.close();
    return count;
  }

  readEach(places: Uint32Array): void {
    for (const place of places) this.#witness.see(this.#level.getSync(keyOf(place)));
  }

  settle(): Promise<void> {
    return this.#level.compactRange(keyOf(0), keyOf(this.#next));
  }

  close(): Promise<void> {
    return this.#level.close();
  }
}

function keyOf(place: number): Uint8Array {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(place));
  return key;
}

function placeOf(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset, 8).getBigUint64(0));
}
