/**
 * Carries connections from one address to another, where one of them is out of our reach: for each
 * argument `[FROM, TO]` in JSON it listens on FROM and connects to TO. It says where it listens.
 */
import * as net from "node:net";
import process from "node:process";
import { once } from "node:events";

const listening = process.argv.slice(2).map(async (argument) => {
  const [from, to] = JSON.parse(argument) as [net.ListenOptions, net.NetConnectOpts];
  const server = net.createServer((near) => {
    const far = net.connect(to);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.setNoDelay(true);
      one.on("error", () => {}); // its close follows
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(from);
  await once(server, "listening");
  return server.address();
});
console.log(`listening: ${JSON.stringify(await Promise.all(listening))}`);
