import { connect, NodeBackend, Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
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
