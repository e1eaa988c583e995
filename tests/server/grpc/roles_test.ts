/** Roles over gRPC: what a server leaves to others, over every protocol. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { KvService } from "../../../server/grpc/generated/seglog/v1/kv_service_pb.js";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import type { Role } from "../../../server/roles.ts";
import { bytes, openGrpc } from "./support.ts";

const RECORD = { value: bytes("a") };

/** Whether a server with this role refuses each method. */
async function refusals(role: Role): Promise<Record<string, boolean>> {
  await using opened = await openGrpc({ app: { role } });
  await opened.store.append("t", [{ value: "a" }]);
  await opened.store.ensureTopic("b", { compaction: "keys" });
  await opened.store.append("b", [{ key: "k", value: "v" }]);
  const log = opened.client(LogService);
  const kv = opened.client(KvService);
  const isRefused = async (call: () => Promise<unknown>) => {
    try {
      await call();
      return false;
    } catch (error) {
      assert.ok(error instanceof ConnectError && /role/.test(error.message), String(error));
      return true;
    }
  };
  // It ends by itself: there is no such revision.
  const watch = async () => {
    try {
      for await (const _ of kv.watch({ bucket: "b", from: 99n }));
    } catch (error) {
      if (!(error instanceof ConnectError) || error.code !== Code.OutOfRange) throw error;
    }
  };
  return {
    produce: await isRefused(() => log.produce({ topic: "t", records: [RECORD] })),
    consume: await isRefused(() => log.consume({ topic: "t" })),
    set: await isRefused(() => kv.set({ bucket: "b", key: "n", value: RECORD })),
    get: await isRefused(() => kv.get({ bucket: "b", key: "k" })),
    list: await isRefused(() => kv.list({ bucket: "b" })),
    watch: await isRefused(watch),
  };
}

test("each role does its own work over gRPC, and refuses the other's", async () => {
  const reads = ["consume", "get", "list", "watch"];
  for (const role of ["all", "ingest", "query"] as const) {
    const expected = (method: string) =>
      role === "ingest" ? reads.includes(method) : role === "query" && !reads.includes(method);
    for (const [method, isRefused] of Object.entries(await refusals(role))) {
      assert.equal(isRefused, expected(method), `${method} with the role ${role}`);
    }
  }
});
