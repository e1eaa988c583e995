/**
 * Backups beside an owner who appends, rolls, truncates, deletes, dies and comes back: each snapshot
 * must have every partition as it was at one moment of the backup, and stay like that.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  backup,
  listSnapshots,
  type MemoryDisk,
  restore,
  Store,
  type StoreOptions,
  verify,
} from "../../mod.ts";
import type { Campaign } from "../support/campaign.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";
import { partitionFolderName } from "../../core/format/file_names.ts";
import { type Change, RecordingDisk, ReplayDisk } from "./replay_disk.ts";
import { contentOf, partitionState } from "./rich_store.ts";

const STEPS = 60;
const NAMES = ["t", "kept", "%"];

type PartitionState = Awaited<ReturnType<typeof partitionState>>;

/** What could be seen of the store from one change to its disk on, until the next moment. */
interface Moment {
  /** Changes until then. */
  readonly at: number;
  /** By the topic's id and the partition. */
  readonly partitions: ReadonlyMap<string, PartitionState>;
}

/** Random cases of a backup beside an owner. */
export const backupCampaign: Campaign = {
  name: "backup",
  async run({ seed, isOver, note }) {
    const random = new Random(seed);
    const counts = { snapshots: 0, linked: 0, changed: 0 };
    let cases = 0;
    while (!isOver()) {
      const caseSeed = random.fork();
      try {
        await runCase(new Random(caseSeed), counts);
      } catch (cause) {
        throw new Error(`a backup beside its owner, case ${caseSeed}: ${cause}`, { cause });
      }
      if (++cases % 100 === 0) note(`${cases} lives, ${counts.snapshots} snapshots`);
    }
    return { cases, counts };
  },
};

/** One life of a store, and backups all through it. */
export async function runCase(random: Random, counts: Record<string, number>): Promise<void> {
  const recorded = new RecordingDisk();
  const acknowledged = await live(recorded, random);
  const moments = await observe(recorded.changes, random);
  for (const { at, partitions } of acknowledged) {
    const seen = between(moments, at, at)[0]!.partitions;
    assert.ok(isDeepStrictEqual(seen, partitions), `what is acknowledged is seen, at change ${at}`);
  }
  const disk = new ReplayDisk(recorded.changes, random);
  while (disk.done < acknowledged[0]!.at) disk.step();
  disk.halves = 0.5;
  const clock = new FakeClock();
  const snapshots = new Map<string, Record<string, unknown>>();
  while (!disk.isOver) {
    disk.haste = random.pick([0, 0.05, 0.3, 0.6]);
    const skip = random.below(40);
    for (let i = 0; i < skip; i++) disk.step();
    const before = disk.done;
    clock.advance(1000);
    const { ok, problems, snapshot, linkedBytes } = await backup("/data", "/b", { disk, clock });
    const after = disk.begun;
    disk.haste = 0;
    assert.deepEqual([ok, problems], [true, []]);
    assert.deepEqual(verify(snapshot.path, { disk }).problems, []);
    await checkSnapshot(disk, snapshot.path, between(moments, before, after));
    snapshots.set(snapshot.path, await contentOf(snapshot.path, disk));
    counts.snapshots!++;
    if (linkedBytes > 0) counts.linked!++;
    if (after > before) counts.changed!++;
  }
  for (const [path, content] of snapshots) assert.deepEqual(await contentOf(path, disk), content);
  assert.equal((await listSnapshots("/b", { disk })).length, snapshots.size);
  const { ok, source } = await restore("/b", "/restored", { disk });
  assert.ok(ok);
  assert.deepEqual(await contentOf("/restored", disk), snapshots.get(source));
}

/** What a reader beside the owner sees after each change. */
async function observe(changes: readonly Change[], random: Random): Promise<Moment[]> {
  const disk = new ReplayDisk(changes, random);
  const moments: Moment[] = [];
  let store: Store | undefined;
  for (const { path } of changes) {
    disk.step();
    if (store === undefined && disk.sizeOf("/data/store.json") === undefined) continue;
    store ??= await Store.open("/data", { disk, readOnly: true });
    const isSeen = path.endsWith(".log") || path.endsWith(".json");
    if (isSeen) moments.push(await momentOf(store, disk.done, moments.at(-1), path));
  }
  await store?.close();
  return moments;
}

/** Everything that can be read; what the path is not about is as it was before. */
async function momentOf(
  store: Store,
  at: number,
  before?: Moment,
  path = "",
): Promise<Moment> {
  const partitions = new Map<string, PartitionState>();
  for (const { name, id, config } of await store.listTopics()) {
    for (let partition = 0; partition < config.partitions; partition++) {
      const key = `${id}/${partition}`;
      const isOther = !path.includes(`/${partitionFolderName(name, partition)}/`);
      const known = isOther ? before?.partitions.get(key) : undefined;
      partitions.set(key, known ?? await partitionState(store, name, partition));
    }
  }
  return { at, partitions };
}

/** The moments that somebody can have seen who looked from one number of changes to another. */
function between(moments: readonly Moment[], start: number, end: number): Moment[] {
  const first = moments.findLastIndex(({ at }) => at <= start);
  return moments.slice(first, moments.findLastIndex(({ at }) => at <= end) + 1);
}

async function checkSnapshot(disk: MemoryDisk, path: string, seen: Moment[]): Promise<void> {
  const found = new Map<string, PartitionState>();
  await using store = await Store.open(path, { disk, readOnly: true });
  for (const { name, id, config } of await store.listTopics()) {
    for (let partition = 0; partition < config.partitions; partition++) {
      found.set(`${id}/${partition}`, await partitionState(store, name, partition));
    }
  }
  for (const [key, state] of found) {
    const states = seen.flatMap(({ partitions }) => partitions.get(key) ?? []);
    assert.ok(
      states.some((one, i) => isBetween(state, one, states[i + 1] ?? one)),
      `${key} was never like this: ${summary(state)}; it was ${states.map(summary).join(", ")}`,
    );
  }
  for (const key of seen[0]!.partitions.keys()) {
    const isThroughout = seen.every(({ partitions }) => partitions.has(key));
    if (isThroughout) assert.ok(found.has(key), `${key} is missing`);
  }
}

/** Whether a state is one of two, or has a part of the batches that one write added. */
function isBetween(state: PartitionState, one: PartitionState, next: PartitionState): boolean {
  if ([one, next].some((known) => JSON.stringify(known) === JSON.stringify(state))) return true;
  const isAppend = state.logStartOffset === one.logStartOffset &&
    state.logStartOffset === next.logStartOffset;
  return isAppend && startsWith(next.records, state.records) &&
    startsWith(state.records, one.records) && state.nextOffset < next.nextOffset;
}

function startsWith(all: readonly string[], first: readonly string[]): boolean {
  return first.every((item, i) => all[i] === item);
}

function summary({ logStartOffset, nextOffset, records }: PartitionState): string {
  return `${logStartOffset}:${nextOffset} with ${records.length} records`;
}

/** Does random things to a store, and notes what it is when each is acknowledged. */
async function live(disk: RecordingDisk, random: Random): Promise<Moment[]> {
  const clock = new FakeClock();
  const options: StoreOptions = { disk, clock, defaults: { segmentBytes: 4096 } };
  let store = await Store.open("/data", options);
  await store.ensureTopic("kept", { retentionRecords: 9, segmentBytes: 4096 });
  await store.ensureTopic("t", { partitions: 2, segmentBytes: 4096, sync: "os" });
  const moments: Moment[] = [];
  const note = async () => {
    for (;;) { // retention may go on after an append is acknowledged
      const moment = await momentOf(store, disk.changes.length);
      if (disk.changes.length === moment.at) return void moments.push(moment);
    }
  };
  await note();
  let count = 0;
  const records = () =>
    Array.from({ length: 1 + random.below(3) }, () => ({
      key: random.chance(0.3) ? null : `k${random.below(5)}`,
      value: `${count++} `.padEnd(random.below(900), "x"),
    }));
  for (let i = 0; i < STEPS; i++) {
    clock.advance(random.below(50));
    const topics = await store.listTopics();
    const topic = random.pick(topics.length === 0 ? [await madeAnew(store)] : topics);
    const { name } = topic;
    const partition = random.below(topic.config.partitions);
    const { logStartOffset, nextOffset } = await store.bounds(name, partition);
    const offset = logStartOffset + random.below(nextOffset - logStartOffset + 1);
    const chance = random.below(100);
    if (chance < 50) await store.append(name, records(), { partition });
    else if (chance < 62) {
      const appends = Array.from({ length: 4 }, () => store.append(name, records(), { partition }));
      await Promise.all(appends);
    } else if (chance < 70) await store.truncate(name, { partition, before: offset });
    else if (chance < 76) await store.truncate(name, { partition, after: offset - 1 });
    else if (chance < 84) await store.maintain();
    else if (chance < 88) {
      await store.close();
      store = await Store.open("/data", options);
    } else if (chance < 92) {
      tear(disk, random);
      store = await Store.open("/data", options);
    } else if (chance < 96) await store.ensureTopic(random.pick(NAMES));
    else await store.deleteTopic(name);
    await note();
  }
  await store.close();
  return moments;
}

async function madeAnew(store: Store) {
  return (await store.ensureTopic("t", { partitions: 2, segmentBytes: 4096 })).topic;
}

/** Leaves the beginning of a batch at the end of a segment, as a killed process may. */
function tear(disk: RecordingDisk, random: Random): void {
  const folders = disk.list("/data")!.filter(({ isFolder }) => isFolder);
  if (folders.length === 0) return;
  const folder = join("/data", random.pick(folders).name);
  const segments = disk.list(folder)!.map(({ name }) => name).filter((name) =>
    name.endsWith(".log")
  );
  const path = join(folder, segments.toSorted().at(-1)!);
  const file = disk.open(path, "write");
  file.write(random.bytes(1 + random.below(100)), file.size());
  file.close();
}
