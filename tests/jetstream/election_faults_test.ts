/** Groups of two processes while the servers of the cluster under them fail. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Backend,
  type GroupConsumer,
  holdGroups,
  readRecords,
  SeglogError,
} from "../../mod.ts";
import { GROUPS_TOPIC } from "../../core/groups/committed_offsets.ts";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { openMember, textsOf } from "../groups/support.ts";
import { until } from "../support/until.ts";
import { collect } from "../support/collect.ts";
import { type NatsCluster, startCluster } from "../support/nats.ts";
import { nats } from "./support.ts";

const RECORDS = 60;

/**
 * Works whatever fails: what is not committed is handed out again.
 *
 * @param isOver whether the consumer may be closed by now, also while it commits
 */
async function workOn(
  consumer: GroupConsumer,
  seen: Set<string>,
  isOver: () => boolean,
): Promise<void> {
  for (;;) {
    try {
      for await (const batch of consumer) {
        for (const text of textsOf(batch)) seen.add(text);
        await consumer.commit(batch);
      }
      return;
    } catch (error) {
      if (!(error instanceof SeglogError)) throw error;
      if (error.code !== "closed") continue;
      if (isOver()) return;
      throw error;
    }
  }
}

/** Appends numbers, each until it is acknowledged; one whose answer was lost may be there twice. */
async function fill(backend: Backend, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at++) {
    for (let isDone = false; !isDone;) {
      isDone = await backend.append("orders", [{ value: `${at}` }], { partition: at % 4 })
        .then(() => true, (error) => {
          if (
            error instanceof SeglogError && ["unavailable", "outcome-unknown"].includes(error.code)
          ) {
            return false;
          }
          throw error;
        });
    }
  }
}

/** Offsets that were committed, in their order, never go back. */
async function checkCommits(backend: Backend): Promise<void> {
  const last = new Map<string, number>();
  for (const { keyText, value, text } of await collect(readRecords(backend, GROUPS_TOPIC))) {
    if (!keyText!.startsWith("o/") || value === null) continue;
    const { offset } = JSON.parse(text) as { offset: number };
    assert.ok(offset >= (last.get(keyText!) ?? 0), `${keyText} went back to ${offset}`);
    last.set(keyText!, offset);
  }
}

describe("groups of a cluster whose servers fail", () => {
  if (typeof nats === "string") return void test("go on", { skip: nats }, () => {});

  test("when the server that leads the leases is killed and comes back, all is read and committed", async () => {
    await using cluster: NatsCluster = await startCluster(3, {
      network: "proxies between the nodes",
    });
    const url = `${cluster.url}/?replicas=3`;
    await using one = await JetStreamBackend.open(url);
    await using two = await JetStreamBackend.open(url);
    await one.ensureTopic("orders", { partitions: 4 });
    const seen = new Set<string>();
    const consumers = [await openMember(one), await openMember(two)];
    let isOver = false;
    const working = consumers.map((consumer) => workOn(consumer, seen, () => isOver));
    await fill(one, 0, RECORDS);
    await until(() => seen.size === RECORDS);
    const leader = await cluster.leaderOf("SEGLOG_seglog");
    await leader.kill();
    await fill(two, RECORDS, 2 * RECORDS);
    await leader.start();
    await fill(one, 2 * RECORDS, 3 * RECORDS);
    await until(() => seen.size === 3 * RECORDS);
    await using held = holdGroups(one);
    await until(async () => (await held.groups.list())[0]!.lag === 0);
    isOver = true;
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await Promise.all(working);
    await checkCommits(two);
  });
});
