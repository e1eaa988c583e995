/** The contract on three servers of which each has all, and on a node whose topics are there. */
import { describe, test } from "node:test";
import { NodeBackend, Store } from "../../mod.ts";
import {
  CLUSTER_CANNOT,
  nats,
  NODE_CANNOT,
  openReplicated,
  sharedCluster,
} from "../jetstream/support.ts";
import { PATIENCE_MS } from "../support/until.ts";
import { backendSuite } from "./backend_suite.ts";

describe("in a cluster of three", () => {
  if (typeof nats === "string") return void test("the contract", { skip: nats }, () => {});
  const cluster = sharedCluster();

  backendSuite("a cluster of three", async () => {
    const backend = await openReplicated(await cluster());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, CLUSTER_CANNOT);

  backendSuite("a node over a cluster of three", async () => {
    const source = await openReplicated(await cluster());
    const backend = new NodeBackend(source, await Store.memory(), { waitMs: PATIENCE_MS });
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, NODE_CANNOT);
});
