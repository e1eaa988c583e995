/**
 * The smoke test of copies: replicas, mirrors and nodes, and the cluster that they may be of.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Command, run, type RunOptions, ServerProcess } from "./command.ts";

/** One promise; a text says why it cannot be looked at here. */
export type Step = readonly [name: string, step: (() => Promise<void>) | string];

/** The executable, where it runs, and with what. */
export interface Smoke {
  readonly command: Command;
  readonly options: RunOptions;
  /** Its folder, with `data` in it that has the topic `orders`. */
  readonly home: string;
  /** Runs a verb that must succeed, and resolves with what it printed. */
  readonly say: (args: readonly string[], input?: string) => Promise<string>;
}

/** Copies of a folder and of a server. */
export function copySteps({ command, options, home, say }: Smoke): Step[] {
  const data = join(home, "data");
  const replica = join(home, "replica");
  return [
    ["follow makes a replica of a server, and promote makes it writable", async () => {
      {
        await using server = await ServerProcess.start(command, data, options);
        await say(["follow", server.url, "--data", replica, "--once"]);
      }
      assert.equal(await say(readAll(replica)), await say(readAll(data)));
      const append = ["--at", replica, "append", "orders", "own"];
      const refused = await run([...command, ...append], options);
      assert.notEqual(refused.status, 0);
      assert.match(refused.stderr, /it follows http:.*seglog promote/);
      assert.equal(await say(["promote", replica]), "2\n");
      assert.equal(await say(append), "8\n");
    }],
    ["mirror copies a folder, and compares", async () => {
      const copy = join(home, "mirror");
      await say(["mirror", data, copy, "--verify"]);
      assert.equal(await say(readAll(copy)), await say(readAll(data)));
      assert.equal(JSON.parse(await say(["mirror", data, copy, "-J"])).records, 0);
    }],
    ["a node of a server writes there, and reads from its copy", async () => {
      await using server = await ServerProcess.start(command, replica, options);
      const at = [...command, "--at", server.url];
      await useNode(await ServerProcess.start(at, join(home, "node"), options), 9);
      assert.match(await say(readAll(server.url)), /by a node/);
    }],
  ];
}

/**
 * What goes on in a cluster.
 *
 * @param cluster the address of an empty one, or in words why there is none
 */
export function clusterSteps(
  { command, options, home, say }: Smoke,
  cluster: URL | string,
): Step[] {
  const data = join(home, "data");
  const backups = join(home, "cluster-backups");
  const at = (prefix: string) => `${cluster}/?prefix=${prefix}`;
  const steps: [name: string, step: () => Promise<void>][] = [
    ["a cluster takes records, and keys and values", async () => {
      const verbs = ["--at", at("verbs")];
      assert.equal(await say([...verbs, "append", "orders"], "a\nb\n"), "0..2\n");
      assert.equal(await say([...verbs, "read", "orders"]), "a\nb\n");
      assert.equal(await say([...verbs, "kv", "set", "u1", "Alice"]), "0\n");
      assert.equal(await say([...verbs, "kv", "get", "u1"]), "Alice\n");
    }],
    ["mirror fills a cluster with a folder, at the same offsets", async () => {
      await say(["mirror", data, at("moved"), "--verify"]);
      assert.equal(await say(readAll(at("moved"))), await say(readAll(data)));
    }],
    ["a cluster's backup is a store, and restore fills another with it", async () => {
      const snapshot = (await say(["--at", at("moved"), "backup", backups])).trim();
      assert.equal(await say(readAll(snapshot)), await say(readAll(data)));
      await say(["restore", backups, at("restored")]);
      assert.equal(await say(readAll(at("restored"))), await say(readAll(data)));
    }],
    ["a node of a cluster writes there, and reads from its copy", async () => {
      const toCluster = [...command, "--at", at("moved")];
      await useNode(await ServerProcess.start(toCluster, join(home, "cluster-node"), options), 8);
      assert.match(await say(readAll(at("moved"))), /by a node/);
    }],
  ];
  if (cluster instanceof URL) return steps;
  return steps.map(([name]) => [name, cluster]);
}

function readAll(at: string): string[] {
  return ["--at", at, "read", "orders", "-J"];
}

/** What is written through a node is seen there at once, and SIGTERM ends it in good order. */
async function useNode(started: ServerProcess, offset: number): Promise<void> {
  await using node = started;
  const records = `${node.url}/v1/topics/orders/records`;
  const published = await fetch(records, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: '{"value":"by a node"}',
  });
  const { start } = await published.json();
  assert.deepEqual([published.status, start], [200, offset]);
  const record = await fetch(`${records}/${offset}`);
  assert.deepEqual([record.status, (await record.json()).value], [200, "by a node"]);
  assert.equal(await node.stop(), 0);
}
