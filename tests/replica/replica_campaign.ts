/**
 * Replicas of a source that is appended to, truncated at both ends, compacted, and whose topics come
 * and go, while they are closed, or lose power, and begin again: in the end each has what its source
 * has, and nothing else.
 */
import assert from "node:assert/strict";
import { MemoryDisk, Replica, Store, verify, verifyMirror } from "../../mod.ts";
import type { Campaign } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { fill, recordsFrom } from "./sources.ts";

const STEPS = 40;
const NAMES = ["orders", "users", "a/b"];
/** What failed is tried again after ten seconds at the most. */
const SETTLED_MS = 60_000;
const SMALL = { segmentBytes: 4096, sync: "os" } as const;

/** Random cases of a replica. */
export const replicaCampaign: Campaign = {
  name: "replica",
  async run({ seed, isOver, note }) {
    const random = new Random(seed);
    const counts = { changes: 0, closings: 0, crashes: 0, asides: 0 };
    let cases = 0;
    while (!isOver()) {
      const caseSeed = random.fork();
      try {
        await runCase(new Random(caseSeed), counts);
      } catch (cause) {
        throw new Error(`a replica, case ${caseSeed}: ${cause}`, { cause });
      }
      if (++cases % 100 === 0) note(`${cases} lives, ${counts.crashes} losses of power`);
    }
    return { cases, counts };
  },
};

/** One life of a source and its replica. */
export async function runCase(random: Random, counts: Record<string, number>): Promise<void> {
  await using source = await Store.memory({ defaults: SMALL });
  await fill(source, "orders", 10);
  const disk = new MemoryDisk();
  const onNotice = (notice: string) => {
    if (/^set ".*" aside/.test(notice)) counts.asides!++;
  };
  const open = async () => {
    const local = await Store.open("/r", { disk, follows: { source: "source" }, onNotice });
    return { local, replica: new Replica(source, local, { lookMs: 2 }) };
  };
  let { local, replica } = await open();
  for (let step = 0; step < STEPS; step++) {
    counts.changes!++;
    await change(source, random);
    if (random.chance(0.3)) await replica.look().catch(() => {});
    if (random.chance(0.2)) await replica.caughtUp().catch(() => {});
    if (random.chance(0.15)) {
      await replica.close();
      if (random.chance(0.5)) {
        counts.closings!++;
        await local.close();
      } else {
        counts.crashes!++;
        disk.crash();
      }
      for (let missed = random.below(4); missed > 0; missed--) await change(source, random);
      ({ local, replica } = await open());
    }
  }
  await settled(replica);
  assert.deepEqual(await local.listTopics(), await source.listTopics());
  const { ok, differences } = await verifyMirror(source, local);
  assert.ok(ok, JSON.stringify(differences));
  for (const { name, config } of await source.listTopics()) {
    for (let partition = 0; partition < config.partitions; partition++) {
      const [theirs, mine] = [
        await source.bounds(name, partition),
        await local.bounds(name, partition),
      ];
      assert.equal(mine.nextOffset, theirs.nextOffset);
      assert.ok(mine.logStartOffset >= theirs.logStartOffset);
    }
  }
  await replica.close();
  await local.close();
  const { problems } = verify("/r", { disk });
  assert.deepEqual(problems.filter(({ severity }) => severity === "damage"), []);
}

/** What cannot be copied at one moment can be at the next. */
async function settled(replica: Replica): Promise<void> {
  const endMs = Date.now() + SETTLED_MS;
  for (;;) {
    try {
      return await replica.caughtUp();
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function change(source: Store, random: Random): Promise<void> {
  const name = random.pick(NAMES);
  const topics = (await source.listTopics()).map((info) => info.name);
  if (!topics.includes(name)) {
    await source.ensureTopic(name, { partitions: 1 + random.below(3) });
    return;
  }
  const { partitions } = await source.describeTopic(name);
  const { partition, logStartOffset, nextOffset } = random.pick(partitions);
  const within = () => logStartOffset + random.below(nextOffset - logStartOffset + 1);
  const kind = random.below(20);
  if (kind < 12) {
    const count = 1 + random.below(random.chance(0.1) ? 200 : 6);
    const first = random.below(1000);
    await source.append(name, recordsFrom(first, count), { partition });
  } else if (kind < 14) await source.truncate(name, { partition, before: within() });
  else if (kind < 15) await source.truncate(name, { partition, after: Math.max(-1, within() - 1) });
  else if (kind < 17) await source.compact(name, { partition });
  else if (kind < 18) {
    await source.configureTopic(name, { retentionRecords: 1_000_000 + random.below(9) });
  } else if (kind < 19 && random.chance(0.5)) await source.deleteTopic(name);
  else await fill(source, name, 1 + random.below(20));
}
