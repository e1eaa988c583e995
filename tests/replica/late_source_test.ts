/** A node that is started while its source is away, and what becomes of it when that comes. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { connect as natsConnect } from "@nats-io/transport-node";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import {
  type Backend,
  connect,
  type ConnectOptions,
  type ErrorCode,
  Kv,
  MemoryDisk,
  NodeBackend,
  promote,
  readRecords,
  SeglogError,
  Store,
} from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { openServer } from "../server/support.ts";
import { changedBackend } from "../support/changed_backend.ts";
import { rejectsWith, shown } from "../support/collect.ts";
import { startNats } from "../support/nats.ts";
import { Relay } from "../support/relay.ts";
import { withNats } from "../jetstream/support.ts";

/** A source, at an address where it can be away. */
interface Source extends AsyncDisposable {
  readonly url: string;
  /** The same, by a way that is always there. */
  readonly direct: Backend;
  come(): Promise<void>;
  go(): Promise<void>;
}

const SOURCES = [
  { name: "a server", scheme: "http", open: openHttpSource, needs: {} },
  { name: "a cluster", scheme: "nats", open: openNatsSource, needs: withNats },
];

async function openHttpSource(): Promise<Source> {
  const opened = await openServer();
  return await behindRelay("http", opened.port, opened.store, opened);
}

async function openNatsSource(): Promise<Source> {
  const server = await startNats();
  const direct = await connect(server.url);
  const { port } = new URL(server.url);
  return await behindRelay("nats", Number(port), direct, server);
}

async function behindRelay(
  scheme: string,
  port: number,
  direct: Backend,
  end: AsyncDisposable,
): Promise<Source> {
  const relay = await Relay.open();
  return {
    url: `${scheme}://127.0.0.1:${relay.port}`,
    direct,
    come: () => relay.leadTo(port),
    go: () => relay.shut(),
    async [Symbol.asyncDispose]() {
      await relay.shut();
      await direct.close();
      await end[Symbol.asyncDispose]();
    },
  };
}

/** What is told, one sentence after the other. */
class Notices {
  readonly #all: string[] = [];
  #news = Promise.withResolvers<void>();

  readonly take = (notice: string): void => {
    this.#all.push(notice);
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  };

  /** Resolves when it was told. */
  async said(what: RegExp): Promise<void> {
    while (!this.#all.some((notice) => what.test(notice))) await this.#news.promise;
  }
}

interface LateNode {
  readonly node: NodeBackend;
  readonly isAway: () => boolean;
  readonly notices: Notices;
}

const QUICK: ConnectOptions = { timeoutMs: 5000 };

/** A node over a copy, whether or not its source is there. */
async function openNode(
  url: string,
  disk: MemoryDisk,
  options: ConnectOptions = {},
): Promise<LateNode> {
  const notices = new Notices();
  const source = await connect(url, {
    ...QUICK,
    mayBeAway: true,
    onNotice: notices.take,
    ...options,
  });
  const local = await Store.open("/copy", { disk, follows: { source: "it" } });
  const node = new NodeBackend(source, local);
  return { node, isAway: () => source.isAway, notices };
}

/** A copy of what the source has, made by a node that has ended. */
async function copyOf(source: Source): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await source.come();
  const { node, isAway } = await openNode(source.url, disk);
  await node.following.ready;
  assert.equal(isAway(), false);
  await node.close();
  await source.go();
  return disk;
}

for (const { name, scheme, open, needs } of SOURCES) {
  describe(`a node that is started while its source, ${name}, is away`, () => {
    test("reads from its copy, and goes on as any other when the source comes", needs, async () => {
      await using source = await open();
      await source.direct.append("orders", [{ value: "a" }]);
      const kv = await Kv.open(source.direct, "names");
      await kv.set("name", "Alice");
      await kv.close();
      const disk = await copyOf(source);
      await source.direct.append("orders", [{ value: "while it was down" }]);

      const { node, isAway, notices } = await openNode(source.url, disk);
      await using _ = node;
      assert.equal(isAway(), true);
      assert.equal((await node.read("orders", 0)).text, "a");
      assert.deepEqual(await shown(readRecords(node, "orders")), ["0:a"]);
      const names = await Kv.open(node, "names");
      assert.equal((await names.get("name"))?.text, "Alice");
      await names.close();
      const follower = readRecords(node, "orders", { follow: true });
      assert.equal((await follower.next()).value!.text, "a");
      for (
        const write of [
          () => node.append("orders", [{ value: "refused" }]),
          () => node.ensureTopic("new"),
          () => node.truncate("orders", { before: 1 }),
          () => node.deleteTopic("orders"),
        ]
      ) {
        const refused = await rejectsWith("unavailable", write);
        assert.match(refused.message, /^Cannot (connect to|reach) \S+: /);
        assert.equal(refused.retryable, true);
      }
      assert.deepEqual([node.following.isReady, node.following.isConnected], [false, false]);
      assert.equal(node.following.wasWhole, true);

      await source.come();
      await notices.said(/^connected to |answers$/);
      assert.equal(isAway(), false);
      const { start } = await node.append("orders", [{ value: "b" }]);
      assert.equal((await node.read("orders", start)).text, "b");
      assert.equal((await follower.next()).value!.text, "while it was down");
      assert.equal((await follower.next()).value!.text, "b");
      await follower.return();
      await node.following.ready;
      assert.equal(node.following.isConnected, true);
    });

    test("can be closed before that", needs, async () => {
      await using source = await open();
      await source.direct.append("orders", [{ value: "a" }]);
      const disk = await copyOf(source);
      const { node } = await openNode(source.url, disk);
      const follower = readRecords(node, "orders", { follow: true, from: 1 });
      const next = follower.next().catch(({ code }) => code);
      await node.close();
      await next;
      await rejectsWith("closed", () => node.append("orders", [{ value: "b" }]));
    });

    test("can be closed while somebody is asked who says nothing", needs, async () => {
      await using relay = await Relay.open();
      const url = `${scheme}://127.0.0.1:${relay.port}`;
      const { node } = await openNode(url, new MemoryDisk());
      const sockets = new Set<Socket>();
      const silent = createTcpServer((socket) => {
        socket.on("error", () => {});
        sockets.add(socket);
      });
      silent.listen(relay.port, "127.0.0.1");
      await once(silent, "connection");
      await node.close();
      silent.close();
      for (const socket of sockets) socket.destroy();
    });
  });
}

describe("what answers late and cannot be used", () => {
  test("is told, refuses writes, and is tried again: no seglog, and a token", async () => {
    await using known = await openServer();
    const made = await fetch(`${known.url}/v1/tokens`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "node", grants: "admin" }),
    });
    const { token } = await made.json() as { token: string };
    await using open = await openServer();
    await open.store.append("orders", [{ value: "a" }]);
    const foreign = createServer((_, response) => response.end("{}"));
    foreign.listen(0, "127.0.0.1");
    await once(foreign, "listening");
    await using relay = await Relay.open();
    const url = `http://127.0.0.1:${relay.port}`;
    const { node, notices } = await openNode(url, new MemoryDisk(), { token: `${token}x` });
    await using _ = node;
    const append = () => node.append("orders", [{ value: "b" }]);
    await rejectsWith("unavailable", append);
    await relay.leadTo((foreign.address() as AddressInfo).port);
    await notices.said(/is not a seglog server of this version; trying again$/);
    await refusedFor("unsupported", append);
    await relay.leadTo(known.port);
    await notices.said(/token.*; trying again$/);
    await refusedFor("unauthenticated", append);
    assert.deepEqual(await node.listTopics(), []);
    await relay.leadTo(open.port);
    await notices.said(/answers$/);
    await append();
    assert.equal((await node.read("orders", 1)).text, "b");
    foreign.close();
    foreign.closeAllConnections();
  });

  test("is told, too, of a cluster: other credentials, another's stream", withNats, async () => {
    await using guarded = await startNats({ config: "authorization { token: secret }" });
    await using foreign = await startNats();
    const raw = await natsConnect({ servers: foreign.url.slice("nats://".length) });
    const stream = { name: "SEGLOG_seglog", subjects: ["mine"] };
    const subject = "$JS.API.STREAM.CREATE.SEGLOG_seglog";
    await raw.request(subject, JSON.stringify(stream), { timeout: 60_000 });
    await raw.close();
    await using good = await startNats();
    await using relay = await Relay.open();
    const lead = ({ url }: { url: string }) => relay.leadTo(Number(new URL(url).port));
    const url = `nats://127.0.0.1:${relay.port}`;
    const { node, notices } = await openNode(url, new MemoryDisk());
    await using _ = node;
    const append = () => node.append("orders", [{ value: "b" }]);
    await rejectsWith("unavailable", append);
    await lead(guarded);
    await notices.said(/the servers want other credentials.*; trying again$/);
    await refusedFor("unauthenticated", append);
    await lead(foreign);
    await notices.said(/another program made it.*; trying again$/);
    await refusedFor("exists", append);
    await lead(good);
    await notices.said(/^connected to /);
    assert.equal((await append()).start, 0);
  });

  test("is the old leader: nothing is taken from it", async () => {
    await using old = await Store.memory();
    await old.append("orders", [{ value: "a" }]);
    await using oldServer = await serve(old, { port: 0 });
    const disk = new MemoryDisk();
    const follows = { source: "leader" };
    {
      await using replica = new NodeBackend(
        await connect(oldServer.url),
        await Store.open("/next", { disk, follows }),
      );
      await replica.following.ready;
    }
    assert.equal(await promote("/next", { disk }), 2);
    await using next = await Store.open("/next", { disk });
    await using nextServer = await serve(next, { port: 0 });
    await old.append("orders", [{ value: "of the old one" }]);
    await next.append("orders", [{ value: "of the next one" }]);

    await using relay = await Relay.open();
    const url = `http://127.0.0.1:${relay.port}`;
    const { node, notices } = await openNode(url, new MemoryDisk(), { epoch: 2 });
    await using _ = node;
    await relay.leadTo(oldServer.port);
    await notices.said(/it has epoch 1, and epoch 2 is known.*; trying again$/);
    await refusedFor("condition-failed", () => node.append("orders", [{ value: "lost" }]));
    await refusedFor("condition-failed", () => node.caughtUp());
    assert.deepEqual(await node.listTopics(), []);
    await relay.leadTo(nextServer.port);
    await notices.said(/answers$/);
    await node.following.ready;
    assert.deepEqual(await shown(readRecords(node, "orders")), ["0:a", "1:of the next one"]);
    assert.equal((await old.bounds("orders")).nextOffset, 2);
  });
});

describe("connecting to what may be away", () => {
  test("is refused at once by what answers and cannot be used", withNats, async () => {
    await using guarded = await startNats({ config: "authorization { token: secret }" });
    await rejectsWith("unauthenticated", () => connect(guarded.url, { mayBeAway: true }));
    const foreign = createServer((_, response) => response.end("{}"));
    foreign.listen(0, "127.0.0.1");
    await once(foreign, "listening");
    const { port } = foreign.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    await rejectsWith("unsupported", () => connect(url, { mayBeAway: true }));
    foreign.close();
    foreign.closeAllConnections();
    for (const wrong of ["http://127.0.0.1:1/?a=b", "nats://127.0.0.1:1/?a=b"]) {
      await rejectsWith("invalid-argument", () => connect(wrong, { mayBeAway: true }));
    }
  });

  test("presumes what an ordinary server can do, and learns what this one can", async () => {
    await using leader = await Store.memory();
    await using copy = new NodeBackend(
      await connect("http://127.0.0.1:1", { mayBeAway: true }),
      await Store.memory(),
    );
    assert.deepEqual(copy.capabilities, { kind: "node", canWrite: true, canTruncateAfter: true });
    await using server = await serve(readOnly(leader), { port: 0 });
    await using relay = await Relay.open();
    const notices = new Notices();
    await using source = await connect(`http://127.0.0.1:${relay.port}`, {
      mayBeAway: true,
      onNotice: notices.take,
    });
    assert.equal(source.capabilities.canWrite, true);
    await relay.leadTo(server.port);
    await notices.said(/answers$/);
    assert.equal(source.capabilities.canWrite, false);
  });

  test("lets who stands for a duty be asked once a server is there", withNats, async () => {
    await using source = await openNatsSource();
    await using backend = await JetStreamBackend.open(source.url, { mayBeAway: true });
    const isElected = Promise.withResolvers<void>();
    const candidacy = backend.election.campaign("cook", {
      take() {
        isElected.resolve();
        return { answer: (dish) => Promise.resolve(`${dish}!`), close: () => Promise.resolve() };
      },
    });
    const soup = () => backend.election.request("cook", "soup", { repeatable: true });
    const refused = await rejectsWith("unavailable", soup);
    assert.match(refused.message, /^Cannot connect to /); // at once: nobody is waited for
    await source.come();
    await isElected.promise;
    const election = (source.direct as JetStreamBackend).election;
    assert.equal(await election.request("cook", "soup", { repeatable: true }), "soup!");
    await candidacy.close();
  });
});

/** Whoever asks has done nothing wrong: what the source has against the node is only why. */
async function refusedFor(code: ErrorCode, ask: () => Promise<unknown>): Promise<void> {
  const refused = await rejectsWith("unavailable", ask);
  const { cause } = refused;
  assert.ok(cause instanceof SeglogError);
  assert.deepEqual([cause.code, cause.message], [code, refused.message]);
}

/** A server's that takes no writes. */
function readOnly(store: Store): Backend {
  const capabilities = { ...store.capabilities, canWrite: false, canTruncateAfter: false };
  return changedBackend(store, { capabilities });
}
