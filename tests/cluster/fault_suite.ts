/**
 * Tests in which something happens to a real cluster of three nodes while many clients use it, by
 * backends right on the cluster and by way of a node: nothing that was acknowledged is lost, nothing is
 * twice, all see one order, and transactions are isolated.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { findNats, type NatsCluster, startCluster, whyNoNamespaces } from "../support/nats.ts";
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

/** What a fault works with. */
export interface Shaken {
  readonly cluster: NatsCluster;
  readonly busy: Busy;
  /** Right on the cluster. */
  readonly direct: readonly LoadedMember[];
  /** By way of a copy. */
  readonly node: LoadedMember;
  /** The stream of one of the partitions. */
  readonly stream: string;
}

/** Something that may happen. When it is over, all nodes run, and all is connected again. */
export interface Fault {
  readonly what: string;
  act(shaken: Shaken): Promise<void>;
  /** How long backends try; 20 s unless given, which an election does not take. */
  readonly timeoutMs?: number;
  /** A direct member for each node, that knows no other, and not two that know all. */
  readonly isAtEachNode?: boolean;
  /** What direct members see: everybody's doings unless given. */
  readonly sees?: Scope;
  /** Whether the first node's disk is to be a small one. */
  readonly needsSmallDisk?: boolean;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** Some appends take several messages. */
const MAX_PAYLOAD = 32 * KIB;
const DISK_BYTES = 64 * MIB;
const TIMEOUT_MS = 20_000;
/** Steps of an operation that have a time-out each: on a node, the cluster's answer and the copy of it. */
const STEPS = 2;
/** What an operation may take beyond that. */
const MARGIN_MS = 10_000;
/** Complaints that are shown: one fault often has many. */
const SHOWN_MAX = 20;

const program = await findNats();
const missing = typeof program === "string" ? program : undefined;
const noSmallDisk = missing ?? await whyNoNamespaces();

/** Declares a test for each fault; they share a cluster. */
export function faultSuite(name: string, seed: number, faults: readonly Fault[]): void {
  describe(name, () => {
    let cluster: NatsCluster | undefined;
    before(async () => {
      if (missing !== undefined) return;
      const smallDisk = { node: 0, bytes: DISK_BYTES };
      cluster = await startCluster(3, {
        maxPayload: MAX_PAYLOAD,
        ...noSmallDisk === undefined ? { smallDisk } : {},
      });
    });
    after(async () => {
      await cluster?.[Symbol.asyncDispose]();
    });
    const random = new Random(seed);
    for (const fault of faults) {
      const seed = random.fork();
      const skip = (fault.needsSmallDisk ? noSmallDisk : missing) ?? false;
      test(`${fault.what}, seed ${seed}`, { skip }, () => shake(cluster!, fault, seed));
    }
  });
}

async function shake(cluster: NatsCluster, fault: Fault, seed: number): Promise<void> {
  const { timeoutMs = TIMEOUT_MS, isAtEachNode = false, sees = "everybody" } = fault;
  const name = `shaken-${seed}`;
  await settled(cluster);
  await using opened = new Opened();
  for (const [i, url] of (isAtEachNode ? cluster.urls : [cluster.url, cluster.url]).entries()) {
    await opened.add(directMember(`direct-${i + 1}`, { url, timeoutMs, sees }));
  }
  const direct = [...opened.members];
  const node = await opened.add(nodeMember("node", { url: cluster.url, timeoutMs }));
  const { members } = opened;
  const load = { name, seed, members, limitMs: STEPS * timeoutMs + MARGIN_MS };
  const wrong = await underLoad(cluster, load, async (busy) => {
    const { id } = await node.backend.describeTopic(name);
    await fault.act({ cluster, busy, direct, node, stream: `SEGLOG_seglog_${id}_0` });
  });
  assert.deepEqual(wrong.slice(0, SHOWN_MAX), [], `${wrong.length} in all`);
}

/** Members that are closed at the end of the block. */
class Opened implements AsyncDisposable {
  readonly members: LoadedMember[] = [];

  async add(opening: Promise<LoadedMember>): Promise<LoadedMember> {
    const member = await opening;
    this.members.push(member);
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}
