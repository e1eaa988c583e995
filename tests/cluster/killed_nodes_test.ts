import { faultSuite } from "./fault_suite.ts";

const SEED = 20_261_130;

faultSuite("nodes that are killed", SEED, [
  {
    what: "the leader is killed again and again, until each node was",
    async act({ busy, cluster, direct, node, stream }) {
      const spared = new Set(cluster.nodes);
      while (spared.size > 0) {
        const leader = await cluster.leaderOf(stream);
        const [other] = spared;
        const victim = spared.has(leader) ? leader : other!;
        await victim.kill();
        await busy.writesGoOn([...direct, node]);
        await victim.restart();
        await cluster.settled(); // of three nodes one at a time may be away
        spared.delete(victim);
      }
    },
  },
  {
    what: "two nodes are killed: writes fail in time, and reads of a copy go on",
    timeoutMs: 3000,
    async act({ busy, cluster, direct, node }) {
      const [one, other] = cluster.nodes;
      await Promise.all([one!.kill(), other!.kill()]);
      await busy.writesFail([...direct, node]);
      await busy.readsGoOn([node]);
      await Promise.all([one!.restart(), other!.restart()]);
    },
  },
  {
    what: "all nodes are killed at once",
    async act({ cluster: { nodes } }) {
      await Promise.all(nodes.map((node) => node.kill()));
      await Promise.all(nodes.map((node) => node.restart()));
    },
  },
]);
