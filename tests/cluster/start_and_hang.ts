/** Starts a server, says its process id, and never ends by itself. See `harness_test.ts`. */
import { startNats } from "../support/nats/nats_server.ts";

const server = await startNats();
console.log(server.pid);
setInterval(() => {}, 60_000);
