/** Readers that do not read: they wait for themselves, and take no memory for what they left. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { test } from "node:test";
import { decodeBatch, encodeBatch, Store } from "../../../mod.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { openSocket } from "../raw_socket.ts";
import { abusedServer, MIB } from "./abused_server.ts";
import { openRaw } from "./raw_abuse.ts";

const RECORDS = "/v1/topics/large/records";

/** A gigabyte of records of a MiB each, which take little space on disk. */
async function fillGigabyte(path: string): Promise<void> {
  await using store = await Store.open(path);
  await store.ensureTopic("large");
  const bytes = encodeBatch([{ value: Buffer.alloc(MIB, "x").toString() }], {
    nowMs: 1,
    codec: "zstd",
  });
  for (let i = 0; i < 1024; i++) {
    const batch = decodeBatch(bytes, 0, 0);
    assert.ok(typeof batch !== "string", String(batch));
    await store.appendBatch("large", batch, { sync: "os" });
  }
}

{
  test("30 readers of a gigabyte who never read take a few records each", async () => {
    await using dir = tempDir();
    await fillGigabyte(dir.path);
    await using server = await abusedServer({ data: dir.path });
    const base = server.forgetPeak();
    const accepts = ["application/x-ndjson", "text/event-stream", "application/vnd.seglog.batch"];
    const readers = [];
    for (let i = 0; i < 30; i++) {
      const socket = await openRaw(server);
      socket.pause();
      socket.write(
        `GET ${RECORDS}?from=0 HTTP/1.1\r\nHost: localhost\r\nAccept: ${accepts[i % 3]}\r\n\r\n`,
      );
      readers.push(socket);
      await server.expectUnharmed();
    }
    for (let i = 0; i < 20; i++) await server.expectUnharmed();
    await server.expectBounded(base, 400 * MIB);
    for (const socket of readers) socket.destroy();
    await server.expectUnharmed();
  });
}

test("20 followers who never read are cut off in the end, and hold up nobody before", async () => {
  await using server = await abusedServer({ flags: ["--limits-blocked-time", "2s"] });
  await server.backend.ensureTopic("large");
  const base = server.forgetPeak();
  const sockets: Socket[] = [];
  const closed = [];
  for (let i = 0; i < 20; i++) {
    const socket = i % 2 === 0
      ? await openRaw(server)
      : (await openSocket(server.port, `${RECORDS}?from=0`)).socket;
    socket.pause();
    closed.push(new Promise((resolve) => socket.once("close", resolve)));
    if (i % 2 === 0) {
      socket.write(
        `GET ${RECORDS}?from=0 HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`,
      );
    }
    socket.on("error", () => {});
    sockets.push(socket);
  }
  const value = "x".repeat(MIB);
  for (let i = 0; i < 48; i++) {
    await server.backend.append("large", [{ value }]);
    await server.expectUnharmed();
  }
  const followers = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^seglog_followers (\d+)$/m.exec(text)?.[1]);
  };
  while (await followers() > 0) await server.expectUnharmed();
  // For each of them a record of 1 MiB, in the forms that it goes through.
  await server.expectBounded(base, 480 * MIB);
  for (const socket of sockets) socket.destroy();
  await Promise.all(closed);
});
