import { describe, test } from "node:test";
import { CLUSTER_CANNOT, nats, openOn, sharedServer } from "../jetstream/support.ts";
import { backendSuite } from "./backend_suite.ts";

describe("in a cluster", () => {
  if (typeof nats === "string") return void test("the contract", { skip: nats }, () => {});
  const server = sharedServer();
  backendSuite("a cluster", async () => {
    const backend = await openOn(await server());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, CLUSTER_CANNOT);
});
