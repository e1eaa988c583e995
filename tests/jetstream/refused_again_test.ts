/** Servers that do not know who asks, for a while: a configuration on its way to all of them. */
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { readRecords } from "../../mod.ts";
import { startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

test(
  "a backend that was refused goes on when it is let in again",
  { ...withNats, timeout: 30_000 },
  async () => {
    await using knows = await startNats({ config: "authorization { user: me, password: old }" });
    await using knowsNot = await startNats({ config: "authorization { user: me, password: new }" });
    const portOf = ({ url }: { url: string }) => Number(new URL(url).port);
    const sockets = new Set<Socket>();
    let to = portOf(knows);
    let refused = 0;
    const enough = Promise.withResolvers<void>();
    const between = createServer((client) => {
      const upstream = connect(to, "127.0.0.1");
      if (to !== portOf(knows) && ++refused === 5) enough.resolve();
      sockets.add(client);
      for (const socket of [client, upstream]) socket.on("error", () => {});
      client.pipe(upstream).pipe(client);
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    const { port } = between.address() as AddressInfo;
    try {
      await using backend = await JetStreamBackend.open(`nats://me:old@127.0.0.1:${port}`);
      await backend.append("orders", [{ value: "a" }]);
      const records = readRecords(backend, "orders", { from: 0, follow: true });
      assert.equal((await records.next()).value!.text, "a");

      to = portOf(knowsNot);
      for (const socket of sockets) socket.destroy();
      await enough.promise;
      to = portOf(knows);
      assert.equal((await backend.append("orders", [{ value: "b" }])).start, 1);
      assert.equal((await records.next()).value!.text, "b");
    } finally {
      between.close();
      for (const socket of sockets) socket.destroy();
    }
  },
);
