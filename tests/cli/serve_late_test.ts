/** `serve --at URL --data DIR` that is started while there is nothing at the URL. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { withNats } from "../jetstream/support.ts";
import { jsonRequest, openServer } from "../server/support.ts";
import { startNats } from "../support/nats.ts";
import { Relay } from "../support/relay.ts";
import { tempDir } from "../support/temp_dir.ts";
import { ready, runCli, type RunningCli, startCli } from "./run_cli.ts";

interface Node extends RunningCli {
  readonly url: string;
  /** The status and the body as text. */
  ask(path: string, init?: RequestInit): Promise<[status: number, body: string]>;
}

const argsOf = (source: string, data: string, http = "127.0.0.1:0") => [
  ...["--at", source, "serve", "--http", http, "--data", data],
];

async function startNode(source: string, data: string, http?: string): Promise<Node> {
  const server = startCli(argsOf(source, data, http));
  await server.said(/listening on \S+\n/);
  const url = /listening on (\S+)/.exec(server.text())![1]!.replace("0.0.0.0", "127.0.0.1");
  const ask = async (path: string, init?: RequestInit): Promise<[number, string]> => {
    const response = await fetch(`${url}${path}`, init);
    return [response.status, await response.text()];
  };
  return Object.assign(server, { url, ask });
}

/** A copy of what is there, made by a node that was stopped. */
async function makeCopy(source: string, data: string): Promise<void> {
  await using node = await startNode(source, data);
  await ready(node.url);
  assert.equal((await node.ask("/v1/topics/orders/records", record("a")))[0], 200);
  assert.match((await node.ask("/v1/topics/orders/records/0"))[1], /"a"/);
  node.signal("SIGTERM");
  assert.equal((await node.ended).code, 0);
}

const record = (value: string) => jsonRequest("POST", { value });

/** Starts without the source, waits for it, and stops without it again. */
async function startLate(
  source: string,
  data: string,
  { come, go }: { come(): Promise<void>; go(): Promise<void> },
): Promise<void> {
  await makeCopy(source, data);
  await go();
  {
    await using node = await startNode(source, data);
    assert.match(
      node.text(),
      /127\.0\.0\.1:\S+ does not answer; serving the copy as it is until it does\n/,
    );
    assert.match((await node.ask("/v1/topics/orders/records/0"))[1], /"a"/);
    const [status, body] = await node.ask("/v1/topics/orders/records", record("refused"));
    assert.deepEqual([status, JSON.parse(body).code], [503, "unavailable"]);
    assert.match(JSON.parse(body).detail, /Cannot (reach|connect to) \S*127\.0\.0\.1/);
    assert.equal((await node.ask("/readyz"))[0], 503);
    await come();
    await node.said(/ answers\n|connected to /);
    assert.equal((await node.ask("/v1/topics/orders/records", record("b")))[0], 200);
    assert.match((await node.ask("/v1/topics/orders/records/1"))[1], /"b"/);
    await ready(node.url);
    node.signal("SIGTERM");
    assert.equal((await node.ended).code, 0);
  }
  await go();
  await using node = await startNode(source, data);
  assert.match((await node.ask("/v1/topics/orders/records/1"))[1], /"b"/);
  node.signal("SIGINT");
  assert.equal((await node.ended).code, 0);
}

describe("a node that is started without its source", () => {
  test("serves its copy until there is a server", async () => {
    await using dir = tempDir();
    await using leader = await openServer();
    await using relay = await Relay.open();
    const come = () => relay.leadTo(leader.port);
    await come();
    const url = `http://127.0.0.1:${relay.port}`;
    await startLate(url, join(dir.path, "copy"), { come, go: () => relay.shut() });
  });

  test("serves its copy until there is a cluster", withNats, async () => {
    await using dir = tempDir();
    await using server = await startNats();
    await using relay = await Relay.open();
    const come = () => relay.leadTo(Number(new URL(server.url).port));
    await come();
    const url = `nats://127.0.0.1:${relay.port}/?prefix=late`;
    await startLate(url, join(dir.path, "copy"), { come, go: () => relay.shut() });
  });

  test("refuses everybody until then, and says so, where its copy may not have everything", async () => {
    await using dir = tempDir();
    await using leader = await openServer();
    await using relay = await Relay.open();
    const source = `http://127.0.0.1:${relay.port}`;
    const copy = join(dir.path, "copy");
    await (await Store.open(copy, { follows: { source } })).close();
    await using node = await startNode(source, copy);
    assert.match(
      node.text(),
      /does not answer; callers are refused until it does, as the copy may lack what it has\n/,
    );
    assert.equal((await node.ask("/v1/topics"))[0], 503);
    await relay.leadTo(leader.port);
    await ready(node.url);
    while ((await node.ask("/v1/topics"))[0] !== 200);
    node.signal("SIGTERM");
    assert.equal((await node.ended).code, 0);
  });

  test("ends at once where its folder has no copy of that source", async () => {
    await using dir = tempDir();
    const nowhere = "http://127.0.0.1:1";
    const copy = join(dir.path, "copy");
    await (await Store.open(copy, { follows: { source: "http://elsewhere" } })).close();
    for (const folder of [join(dir.path, "none"), copy]) {
      for (const source of [nowhere, "nats://127.0.0.1:1"]) {
        const { code, err } = await runCli(argsOf(source, folder));
        assert.equal(code, 1, err);
        assert.match(err, /Cannot (reach|connect to) \S*127\.0\.0\.1:1/);
      }
    }
  });

  test("takes nothing from a server that was replaced, also when it comes late", async () => {
    await using dir = tempDir();
    await using old = await openServer();
    await old.store.append("orders", [{ value: "of the old one" }]);
    await using relay = await Relay.open();
    const source = `http://127.0.0.1:${relay.port}`;
    const copy = join(dir.path, "copy");
    await (await Store.open(copy, { follows: { source, epoch: 2 } })).close();
    await using node = await startNode(source, copy);
    await relay.leadTo(old.port);
    await node.said(/it has epoch 1, and epoch 2 is known: it was replaced.*; trying again\n/);
    node.signal("SIGTERM");
    assert.equal((await node.ended).code, 0);
    await using store = await Store.open(copy, { readOnly: true });
    assert.deepEqual(await store.listTopics(), []);
  });
});
