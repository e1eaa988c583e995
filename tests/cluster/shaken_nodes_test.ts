import type { NatsCluster, NatsServer } from "../support/nats.ts";
import { faultSuite } from "./fault_suite.ts";

const SEED = 20_261_201;

faultSuite("nodes that are cut off, stand still or have no space", SEED, [
  {
    what: "the leader stands still for a while",
    async act({ cluster, stream }) {
      const leader = await cluster.leaderOf(stream);
      await leader.pause();
      await cluster.leaderOf(stream, { via: othersThan(cluster, leader) });
      leader.resume();
    },
  },
  {
    what: "the leader is cut off, with clients on both sides",
    timeoutMs: 3000,
    isAtEachNode: true,
    // A leader that is cut off does not know at once that there is another one, and answers readers.
    sees: "backend",
    async act({ busy, cluster, direct, stream }) {
      const leader = await cluster.leaderOf(stream);
      const others = othersThan(cluster, leader);
      await cluster.isolate(leader);
      await busy.writesFail([direct[cluster.nodes.indexOf(leader)]!]);
      await cluster.leaderOf(stream, { via: others });
      await busy.writesGoOn(others.map((other) => direct[cluster.nodes.indexOf(other)]!));
      await cluster.heal();
    },
  },
  {
    what: "the disk of one node is full",
    needsSmallDisk: true,
    async act({ busy, cluster, direct, node }) {
      const [full] = cluster.nodes;
      cluster.smallDisk.fill();
      await full!.process.said(/no space left on device/);
      await busy.writesGoOn([...direct, node]);
      cluster.smallDisk.free();
      await full!.restart();
    },
  },
]);

function othersThan({ nodes }: NatsCluster, node: NatsServer): NatsServer[] {
  return nodes.filter((other) => other !== node);
}
