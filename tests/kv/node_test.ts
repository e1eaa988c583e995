import { NodeBackend, Store } from "../../mod.ts";
import { kvSuite } from "./kv_suite.ts";

kvSuite("a bucket on a node", async () => {
  const backend = new NodeBackend(await Store.memory(), await Store.memory());
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
});
