/** Consumers that come, go, are moved and are given up, as a program would use them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type GroupConsumer, SeglogError, Store } from "../../mod.ts";
import { holdCoordinator } from "../../core/groups/shared_groups.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Random } from "../support/random.ts";
import { roundsOf, seedOf } from "../support/share.ts";
import { numbers, openMember, turn } from "./support.ts";

const SEED = seedOf(20_261_201);
const HISTORIES = roundsOf(8);
const STEPS = 40;
const PARTITIONS = 3;
const LEASE_MS = 60_000;

/** A consumer whose loop runs by itself. */
interface Worker {
  readonly consumer: GroupConsumer;
  readonly over: Promise<void>;
}

test("whatever members do, each record below a committed offset was handed out to a loop that went on", async () => {
  const random = new Random(SEED);
  for (let i = 0; i < HISTORIES; i++) {
    const seed = random.fork();
    try {
      await history(new Random(seed));
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});

async function history(random: Random): Promise<void> {
  const clock = new FakeClock();
  await using store = await Store.memory();
  await store.ensureTopic("orders", { partitions: PARTITIONS });
  await using held = holdCoordinator(store, { clock });
  const seen = Array.from({ length: PARTITIONS }, () => new Set<number>());
  const ends = Array.from({ length: PARTITIONS }, () => 0);
  let workers: Worker[] = [];

  const start = async () => {
    const isAutomatic = random.chance(0.3);
    const consumer = await openMember(store, {
      leaseMs: LEASE_MS,
      ...isAutomatic ? { autoCommitMs: 1, clock } : {},
    });
    const over = (async () => {
      for (;;) {
        try {
          for await (const batch of consumer) {
            if (random.chance(0.3)) await turn();
            for (const { offset } of batch) seen[batch.partition]!.add(offset);
            if (isAutomatic || random.chance(0.3)) continue;
            await (random.chance(0.5) ? consumer.commit() : consumer.commit(batch));
          }
          return;
        } catch (error) {
          if (error instanceof SeglogError && error.code === "closed") return;
          assert.ok(error instanceof SeglogError && error.code === "condition-failed", `${error}`);
        }
      }
    })();
    workers.push({ consumer, over });
  };
  const check = async () => {
    const known = (await held.groups.list()).length > 0;
    for (
      const { partition, committed } of known ? (await held.groups.describe("g")).partitions : []
    ) {
      for (let offset = 0; offset < (committed ?? 0); offset++) {
        assert.ok(seen[partition]!.has(offset), `${offset} of ${partition} was passed over`);
      }
    }
  };

  for (let step = 0; step < STEPS; step++) {
    const die = random.below(10);
    if (die < 4) {
      const partition = random.below(PARTITIONS);
      const count = 1 + random.below(3);
      ends[partition] = (await store.append("orders", numbers(0, count), { partition })).end;
    } else if (die < 6 && workers.length < 4) await start();
    else if (die < 7 && workers.length > 0) {
      const worker = random.pick(workers);
      workers = workers.filter((other) => other !== worker);
      await worker.consumer.close();
      await worker.over;
    } else if (die < 8) clock.advance(random.chance(0.2) ? LEASE_MS : 1);
    else if (die < 9 && workers.length > 0) {
      const partition = random.below(PARTITIONS);
      await held.groups.seek("g", { topic: "orders", partition, to: "start", force: true });
    }
    for (let i = random.below(4); i > 0; i--) await turn();
    await check();
  }
  for (const { consumer, over } of workers) {
    await consumer.close();
    await over;
  }
  await using last = await openMember(store, { follow: false });
  for await (const batch of last) {
    for (const { offset } of batch) seen[batch.partition]!.add(offset);
    await last.commit(batch);
  }
  await check();
  assert.deepEqual(seen.map(({ size }) => size), ends);
}
