/** A few bytes that unpack to many: what they unpack to is bounded, and nobody waits for it. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { encodeBatch } from "../../../mod.ts";
import { post } from "../support.ts";
import { abusedServer, MIB } from "./abused_server.ts";

const BATCH_TYPE = "application/vnd.seglog.batch";
const RECORDS = "/v1/topics/bombs/records";

/** A batch as small as one can be that unpacks to nearly as much as one may. */
function bomb(codec: "gzip" | "zstd"): Uint8Array {
  const value = Buffer.alloc(10 * MIB);
  const records = [{ value }, { value }, { value }];
  return encodeBatch(records, { nowMs: 1, codec });
}

test("a compressed body of HTTP is 415, and not looked at", async () => {
  await using server = await abusedServer();
  const base = server.forgetPeak();
  const packed = gzipSync(Buffer.alloc(200 * MIB));
  for (
    const type of [
      "application/json",
      "application/x-ndjson",
      "application/octet-stream",
      BATCH_TYPE,
    ]
  ) {
    for (const encoding of ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"]) {
      const request = post(type, packed, { "content-encoding": encoding });
      const response = await fetch(server.url + RECORDS, request);
      assert.equal(response.status, 415);
      await response.body?.cancel();
    }
  }
  await server.expectBounded(base);
});

for (const codec of ["zstd"] as const) {
  test(`a body of 48 batches that unpack to 1.4 GB of ${codec} takes the memory of one`, async () => {
    await using server = await abusedServer();
    const one = bomb(codec);
    assert.ok(one.length < MIB / 8);
    const base = server.forgetPeak();
    // Whoever asks meanwhile may itself be held off until all is over: then it is looked at again.
    for (let tries = 1, others = 0; others < 2; tries++) {
      assert.ok(tries < 10, "others are answered meanwhile");
      const body = Buffer.concat(Array(48).fill(one));
      const sending = fetch(server.url + RECORDS, post(BATCH_TYPE, body));
      let isOver = false;
      const over = () => isOver = true;
      void sending.then(over, over);
      for (others = 0; !isOver; others++) await server.expectUnharmed();
      const response = await sending;
      assert.equal(response.status, 200, await response.text());
    }
    await server.expectBounded(base, 768 * MIB); // the collector of Bun lets some of them lie
  });
}

test("batches that promise what they do not hold are refused before they are unpacked", async () => {
  await using server = await abusedServer();
  const base = server.forgetPeak();
  const batch = Buffer.from(bomb("zstd"));
  for (const at of [60, 61, 62, 63]) {
    const lying = Buffer.from(batch);
    lying[at] = 0xff;
    const response = await fetch(server.url + RECORDS, post(BATCH_TYPE, lying));
    assert.equal(response.status, 422, await response.text());
  }
  const members = Buffer.concat([zstdCompressSync("x"), Buffer.alloc(1000)]);
  assert.equal((await fetch(server.url + RECORDS, post(BATCH_TYPE, members))).status, 422);
  await server.expectBounded(base);
});

test("a gzip message of gRPC that unpacks to 256 MB is refused at what a message may have", async () => {
  await using server = await abusedServer({ hasGrpc: true });
  const base = server.forgetPeak();
  const packed = gzipSync(Buffer.alloc(256 * MIB));
  const head = Buffer.alloc(5);
  head[0] = 1;
  head.writeUInt32BE(packed.length, 1);
  const { connect } = await import("node:http2");
  const session = connect(`http://127.0.0.1:${server.grpcPort}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": "/seglog.v1.LogService/Produce",
    "content-type": "application/grpc",
    "grpc-encoding": "gzip",
    te: "trailers",
  });
  const status = new Promise<unknown>((resolve) => {
    const take = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] !== undefined) {
        resolve(`${headers["grpc-status"]} ${headers["grpc-message"]}`);
      }
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", resolve);
    stream.on("close", () => resolve("closed"));
  });
  stream.resume();
  stream.end(Buffer.concat([head, packed]));
  assert.match(String(await status), /^\d+ Cannot take a message of more than \d+ bytes/);
  session.destroy();
  await server.expectBounded(base);
});
