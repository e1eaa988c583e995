import { Store } from "../../mod.ts";
import { tempDir } from "../support/temp_dir.ts";
import { kvSuite } from "./kv_suite.ts";

kvSuite("a bucket on disk", async () => {
  const dir = tempDir();
  const backend = await Store.open(dir.path);
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await dir[Symbol.asyncDispose]();
    },
  };
});

kvSuite("a bucket in memory", async () => {
  const backend = await Store.memory();
  return { backend, [Symbol.asyncDispose]: () => backend.close() };
});
