/** The clusters that tests run on are real: nodes are lost, elect others, and come back. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import {
  findNats,
  type NatsCluster,
  type NatsServer,
  startCluster,
  whyNoNamespaces,
} from "../support/nats.ts";
import { WatchedProcess } from "../support/nats/watched_process.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";
import { isAlive } from "./is_alive.ts";
import { atLast } from "../support/until.ts";

const program = await findNats();
const missing = typeof program === "string" ? program : undefined;
const withCluster = { skip: missing ?? false };
const withNamespaces = { skip: missing ?? await whyNoNamespaces() ?? false };
const MIB = 1024 * 1024;
const CATCH_UP_MS = 60_000;
/** What an answer may take that comes: a machine that others need stands still for seconds. */
const ANSWER_MS = 60_000;
/** How long it is waited for one that does not come. */
const NO_ANSWER_MS = 3000;
/** How often a message that nobody has heard is sent again: who leads has just begun to listen. */
const SENT_MAX = 40;

const partitions = [
  { network: "network namespaces", options: withNamespaces },
  { network: "proxies between the nodes", options: withCluster },
] as const;

for (const { network, options } of partitions) {
  test(`${network}: who is cut off acknowledges nothing, the others go on`, options, async () => {
    await using cluster = await startCluster(3, { network });
    assert.equal(cluster.networkKind, network);
    const leader = await streamOn(cluster);
    await publish([leader], "before");

    await cluster.isolate(leader);
    const others = cluster.nodes.filter((node) => node !== leader);
    const next = await cluster.leaderOf("S", { via: others });
    assert.notEqual(next, leader);
    assert.equal(await publish(others, "meanwhile"), 2);
    await assert.rejects(publish([leader], "lost", { timeout: NO_ANSWER_MS }));

    await cluster.heal();
    await untilAllHave(cluster, await publish(others, "after"));
  });
}

test("a leader that is killed or paused is replaced, and catches up", withCluster, async () => {
  await using cluster = await startCluster(3);
  const killed = await streamOn(cluster);
  await killed.kill();
  assert.notEqual(await cluster.leaderOf("S"), killed);
  assert.equal(await publish(cluster.nodes.filter(({ isRunning }) => isRunning), "a"), 1);
  await killed.restart();
  await untilAllHave(cluster, 1);

  const paused = await cluster.leaderOf("S");
  await paused.pause();
  const others = cluster.nodes.filter((node) => node !== paused);
  assert.notEqual(await cluster.leaderOf("S", { via: others }), paused);
  assert.equal(await publish(others, "b"), 2);
  paused.resume();
  await untilAllHave(cluster, 2);
});

test("a node whose disk is full does not stop the others", withNamespaces, async () => {
  await using cluster = await startCluster(3, { smallDisk: { node: 0, bytes: 16 * MIB } });
  await streamOn(cluster);
  const [full, ...others] = cluster.nodes;
  cluster.smallDisk.fill();
  const value = "x".repeat(MIB / 2);
  let last = 0;
  for (let i = 0; i < 4; i++) {
    last = await atLast(() => publish(others, value, { timeout: NO_ANSWER_MS }));
  }
  await full!.process.said(/no space left on device/);
  cluster.smallDisk.free();
  await full!.restart();
  await untilAllHave(cluster, last);
});

test("no node outlives a test that is killed", withCluster, async () => {
  await using folder = tempDir();
  const script = fileURLToPath(new URL("./start_and_hang.ts", import.meta.url));
  const command = [...thisRuntime().command, script, "3"];
  const child = new WatchedProcess(["env", `TMPDIR=${folder.path}`, ...command]);
  const [said] = await child.said(/\[.*\]/);
  const pids = JSON.parse(said) as number[];
  assert.deepEqual(pids.map(isAlive), [true, true, true]);
  await child.kill();
  while (pids.some(isAlive)) await delay(10);
});

/** Makes a stream on all nodes, and returns the one that leads it. */
async function streamOn(cluster: NatsCluster): Promise<NatsServer> {
  await using connection = await connectTo(cluster.nodes);
  const config = { name: "S", subjects: ["s"], num_replicas: cluster.nodes.length };
  await atLast(async () => { // to ask again for the same makes no second one
    const { streams } = await jetstreamManager(connection);
    await streams.add(config);
  });
  return await cluster.leaderOf("S");
}

/** Publishes by way of one of these nodes, and returns the sequence. */
async function publish(
  via: readonly NatsServer[],
  value: string,
  options: { timeout: number; retries?: number } = { timeout: ANSWER_MS, retries: SENT_MAX },
): Promise<number> {
  await using connection = await connectTo(via);
  return (await jetstream(connection).publish("s", value, options)).seq;
}

async function connectTo(nodes: readonly NatsServer[]) {
  const connection = await connect({
    servers: nodes.map(({ url }) => url),
    ignoreClusterUpdates: true,
    timeout: ANSWER_MS,
  });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

/** The leader knows every other node to be in step, up to this sequence. */
async function untilAllHave(cluster: NatsCluster, sequence: number): Promise<void> {
  const endMs = Date.now() + CATCH_UP_MS;
  for (;;) {
    const leader = await cluster.leaderOf("S");
    await using connection = await connectTo([leader]);
    const answer = await connection.request("$JS.API.STREAM.INFO.S", "", { timeout: NO_ANSWER_MS })
      .catch(() => undefined);
    const info = answer?.json<StreamInfo>();
    const replicas = info?.cluster.replicas ?? [];
    const isDone = info?.state.last_seq === sequence && replicas.length === 2 &&
      replicas.every(({ current, offline }) => current && offline !== true);
    if (isDone) return;
    assert.ok(Date.now() < endMs, `not all have ${sequence}: ${JSON.stringify(info)}`);
    await delay(50);
  }
}

interface StreamInfo {
  readonly state: { readonly last_seq: number };
  readonly cluster: {
    readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
  };
}
