/** A store and all that can be read in it. */
import { type Disk, readRecords, Store, type StoreOptions } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

export const FOLDER = "/data";

/** A record that was read. */
export interface FoundRecord {
  readonly offset: number;
  readonly key: string | undefined;
  readonly value: string;
}

/** What one partition holds. */
export interface PartitionContent {
  readonly logStartOffset: number;
  readonly nextOffset: number;
  readonly records: readonly FoundRecord[];
}

/** Topics by name, with their partitions in order. */
export type StoreContent = ReadonlyMap<string, readonly PartitionContent[]>;

export async function openStore(disk: Disk, options: StoreOptions = {}): Promise<Store> {
  const clock = new FakeClock();
  return await Store.open(FOLDER, { disk, clock, autoCreateTopics: false, ...options });
}

export async function contentOf(store: Store): Promise<StoreContent> {
  const content = new Map<string, PartitionContent[]>();
  for (const { name, config } of await store.listTopics()) {
    const partitions: PartitionContent[] = [];
    for (let partition = 0; partition < config.partitions; partition++) {
      const { logStartOffset, nextOffset } = await store.bounds(name, partition);
      const records: FoundRecord[] = [];
      for await (const record of readRecords(store, name, { partition })) {
        const key = record.keyText ?? undefined;
        records.push({ offset: record.offset, key, value: record.text });
      }
      partitions.push({ logStartOffset, nextOffset, records });
    }
    content.set(name, partitions);
  }
  return content;
}
