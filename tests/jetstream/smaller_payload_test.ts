/** Servers that are started again with a smaller `max_payload` than what they have. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { readRecords } from "../../mod.ts";
import { freePort } from "../../scripts/free_port.ts";
import { foundNats, NatsServer } from "../support/nats/nats_server.ts";
import { withNats } from "./support.ts";

test(
  "messages that were stored before are read and followed",
  { ...withNats, timeout: 60_000 },
  async () => {
    const folder = fs.mkdtempSync(join(tmpdir(), "seglog-nats-"));
    const port = await freePort();
    const place = {
      name: "n1",
      url: `nats://127.0.0.1:${port}`,
      prefix: [],
      config: `listen: "127.0.0.1:${port}"\nmax_payload: 32MB\n`,
      storeFolder: join(folder, "store"),
      configPath: join(folder, "server.conf"),
    };
    await using server = new NatsServer(await foundNats(), place, () => {
      fs.rmSync(folder, { recursive: true, force: true });
    });
    await server.start();
    await using backend = await JetStreamBackend.open(server.url);
    const large = { value: new Uint8Array(12 * 1024 * 1024) };
    await backend.append("orders", [large]);
    await backend.append("orders", [{ value: "small" }]);
    place.config = `listen: "127.0.0.1:${port}"\n`;
    await server.restart();
    await backend.append("orders", [large]);
    const lengths: number[] = [];
    for await (const { value } of readRecords(backend, "orders", { from: 0, follow: true })) {
      if (lengths.push(value!.length) === 3) break;
    }
    assert.deepEqual(lengths, [large.value.length, 5, large.value.length]);
  },
);
