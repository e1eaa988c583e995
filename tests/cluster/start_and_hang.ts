/**
 * Starts a server, or a cluster of so many, says the process ids, and never ends by itself. See
 * `server_harness_test.ts`.
 */
import process from "node:process";
import { startCluster, startNats } from "../support/nats.ts";

const count = Number(process.argv[2]);
const servers = count === 1 ? [await startNats()] : (await startCluster(count)).nodes;
console.log(JSON.stringify(servers.map(({ pid }) => pid)));
setInterval(() => {}, 60_000);
