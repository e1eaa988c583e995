import { describe, test } from "node:test";
import { connect, NodeBackend, Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { nats, NODE_CANNOT, openOn, sharedServer } from "../jetstream/support.ts";
import { backendSuite } from "./backend_suite.ts";

backendSuite("a node over a store", async () => {
  const backend = new NodeBackend(await Store.memory(), await Store.memory());
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
});

backendSuite("a node over HTTP", async () => {
  const store = await Store.memory();
  const server = await serve(store, { port: 0 });
  const backend = new NodeBackend(await connect(server.url), await Store.memory());
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await server.close();
      await store.close();
    },
  };
});

describe("in a cluster", () => {
  if (typeof nats === "string") return void test("a node over it", { skip: nats }, () => {});
  const server = sharedServer();
  backendSuite("a node over a cluster", async () => {
    const backend = new NodeBackend(await openOn(await server()), await Store.memory());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, NODE_CANNOT);
});
