import { describe, test } from "node:test";
import { NodeBackend, Store } from "../../mod.ts";
import { nats, NODE_CANNOT, openOn, sharedServer } from "../jetstream/support.ts";
import { kvSuite } from "./kv_suite.ts";

kvSuite("a bucket on a node", async () => {
  const backend = new NodeBackend(await Store.memory(), await Store.memory());
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
});

describe("in a cluster", () => {
  if (typeof nats === "string") return void test("a bucket on a node", { skip: nats }, () => {});
  const server = sharedServer();
  kvSuite("a bucket on a node over a cluster", async () => {
    const backend = new NodeBackend(await openOn(await server()), await Store.memory());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, NODE_CANNOT);
});
