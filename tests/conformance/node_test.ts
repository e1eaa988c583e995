import { describe, test } from "node:test";
import { type Backend, connect, NodeBackend, Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { nats, NODE_CANNOT, openOn, sharedServer } from "../jetstream/support.ts";
import { PATIENCE_MS } from "../support/until.ts";
import { backendSuite } from "./backend_suite.ts";

async function nodeOver(source: Backend): Promise<NodeBackend> {
  return new NodeBackend(source, await Store.memory(), { waitMs: PATIENCE_MS });
}

backendSuite("a node over a store", async () => {
  const backend = await nodeOver(await Store.memory());
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
});

backendSuite("a node over HTTP", async () => {
  const store = await Store.memory();
  const server = await serve(store, { port: 0 });
  const backend = await nodeOver(await connect(server.url));
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
    const backend = await nodeOver(await openOn(await server()));
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, NODE_CANNOT);
});
