import { connect, Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { backendSuite } from "./backend_suite.ts";

backendSuite("a server over HTTP", async () => {
  const store = await Store.memory();
  const server = await serve(store, { port: 0 });
  const backend = await connect(server.url);
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await server.close();
      await store.close();
    },
  };
});
