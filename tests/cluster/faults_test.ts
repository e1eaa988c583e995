/**
 * What may happen to a cluster of three nodes happens to a real one, while many clients use it: nothing
 * that was acknowledged is lost, nothing is twice, all see one order, and transactions are isolated.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  findNats,
  type NatsCluster,
  type NatsServer,
  startCluster,
  whyNoNamespaces,
} from "../support/nats.ts";
import { Random } from "../support/random.ts";
import type { Scope } from "./history/check_reads.ts";
import {
  type Busy,
  directMember,
  type LoadedMember,
  nodeMember,
  settled,
  underLoad,
} from "./under_load.ts";

const SEED = 20_261_130;
const KIB = 1024;
const MIB = 1024 * KIB;
/** What an operation may take beyond its time-out. */
const MARGIN_MS = 10_000;
const PATIENT_MS = 20_000;
const IMPATIENT_MS = 3000;
/** Complaints that are shown: one fault often has many. */
const SHOWN_MAX = 20;

const program = await findNats();
const missing = typeof program === "string" ? program : false;
const withoutDisk = missing || (await whyNoNamespaces() ?? false);

describe("a cluster of three nodes under load", () => {
  let cluster: NatsCluster;
  const seeds = new Random(SEED);

  before(async () => {
    if (missing) return;
    cluster = await startCluster(3, {
      maxPayload: 32 * KIB,
      ...withoutDisk ? {} : { smallDisk: { node: 0, bytes: 64 * MIB } },
    });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  fault("each node is killed in turn, and comes back", async (busy, members) => {
    for (const node of cluster.nodes) {
      await node.kill();
      await busy.writesGoOn(members);
      await node.restart();
      await busy.writesGoOn(members);
    }
  });

  fault("the leader is killed again and again", async (busy, members, stream) => {
    for (let times = 0; times < 2; times++) {
      const leader = await cluster.leaderOf(stream);
      await leader.kill();
      await busy.writesGoOn(members);
      await leader.restart();
    }
  });

  fault("two nodes are killed", async (busy, members) => {
    const [one, other] = cluster.nodes;
    await Promise.all([one!.kill(), other!.kill()]);
    await busy.writesFail(members);
    await busy.readsGoOn(members.filter(({ name }) => name === "node"));
    await Promise.all([one!.restart(), other!.restart()]);
  }, { timeoutMs: IMPATIENT_MS });

  fault("the leader stands still for a while", async (busy, members, stream) => {
    const leader = await cluster.leaderOf(stream);
    await leader.pause();
    await cluster.leaderOf(stream, { via: othersThan(leader) });
    leader.resume();
    await busy.writesGoOn(members);
  });

  fault("the leader is cut off, with clients on both sides", async (busy, members, stream) => {
    const leader = await cluster.leaderOf(stream);
    await cluster.isolate(leader);
    await busy.writesFail([members[cluster.nodes.indexOf(leader)]!]);
    await cluster.leaderOf(stream, { via: othersThan(leader) });
    await busy.writesGoOn(members.filter((_, i) => i < 3 && cluster.nodes[i] !== leader));
    await cluster.heal();
  }, { timeoutMs: IMPATIENT_MS, isAtEachNode: true, sees: "backend" });

  fault("the disk of one node is full", async (busy, members) => {
    const [full] = cluster.nodes;
    cluster.smallDisk.fill();
    await full!.process.said(/no space left on device/);
    await busy.writesGoOn(members);
    cluster.smallDisk.free();
    await full!.restart();
  }, { skip: withoutDisk });

  fault("all nodes are killed at once", async () => {
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.restart()));
  });

  /** Declares a test in which this happens while clients are busy. */
  function fault(
    what: string,
    act: (busy: Busy, members: readonly LoadedMember[], stream: string) => Promise<void>,
    { timeoutMs = PATIENT_MS, skip = missing, isAtEachNode = false, sees = "everybody" }: {
      timeoutMs?: number;
      skip?: string | boolean;
      /** A member for each node, that knows no other, and not some that know all. */
      isAtEachNode?: boolean;
      /** Less than everybody's where a leader may not know that it is none any more. */
      sees?: Scope;
    } = {},
  ): void {
    const seed = seeds.fork();
    const name = `fault-${seed}`;
    test(`${what}, seed ${seed}`, { skip }, async () => {
      await using members = new Members();
      const urls = isAtEachNode ? cluster.urls : [cluster.url, cluster.url];
      await settled(cluster);
      for (const [i, url] of urls.entries()) {
        await members.add(directMember(`direct-${i + 1}`, { url, timeoutMs, sees }));
      }
      await members.add(nodeMember("node", { url: cluster.url, timeoutMs }));
      const load = { name, seed, members: members.all, limitMs: timeoutMs + MARGIN_MS };
      const wrong = await underLoad(cluster, load, async (busy) => {
        const { id } = await members.all[0]!.backend.describeTopic(name);
        await act(busy, members.all, `SEGLOG_seglog_${id}_0`);
      });
      assert.deepEqual(wrong.slice(0, SHOWN_MAX), [], `${wrong.length} in all`);
    });
  }

  function othersThan(node: NatsServer): NatsServer[] {
    return cluster.nodes.filter((other) => other !== node);
  }
});

/** Members that are closed at the end of the block. */
class Members implements AsyncDisposable {
  readonly all: LoadedMember[] = [];

  async add(member: Promise<LoadedMember>): Promise<void> {
    this.all.push(await member);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((member) => member[Symbol.asyncDispose]()));
  }
}
