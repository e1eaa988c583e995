/** Buckets on three servers of which each has all, and on a node whose topics are there. */
import { describe, test } from "node:test";
import { NodeBackend, Store } from "../../mod.ts";
import {
  CLUSTER_CANNOT,
  nats,
  NODE_CANNOT,
  openReplicated,
  sharedCluster,
} from "../jetstream/support.ts";
import { kvSuite } from "./kv_suite.ts";

describe("in a cluster of three", () => {
  if (typeof nats === "string") return void test("a bucket in a cluster", { skip: nats }, () => {});
  const cluster = sharedCluster();

  kvSuite("a bucket", async () => {
    const backend = await openReplicated(await cluster());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, CLUSTER_CANNOT);

  kvSuite("a bucket on a node", async () => {
    const source = await openReplicated(await cluster());
    const backend = new NodeBackend(source, await Store.memory());
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  }, NODE_CANNOT);
});
