import { connect } from "../../mod.ts";
import { openServer } from "../server/support.ts";
import { kvSuite } from "./kv_suite.ts";

kvSuite("a bucket over HTTP", async () => {
  const opened = await openServer();
  const backend = await connect(opened.url);
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.close();
      await opened[Symbol.asyncDispose]();
    },
  };
});
