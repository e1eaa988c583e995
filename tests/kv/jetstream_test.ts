import { describe, test } from "node:test";
import { CLUSTER_CANNOT, nats, openOn, sharedServer } from "../jetstream/support.ts";
import { kvSuite } from "./kv_suite.ts";

describe("in a cluster", () => {
  if (typeof nats === "string") return void test("a bucket in a cluster", { skip: nats }, () => {});
  const server = sharedServer();
  kvSuite("a bucket", async () => {
    const backend = await openOn(await server());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, CLUSTER_CANNOT);
});
