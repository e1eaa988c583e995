/** Several servers of the same topics: what one at a time does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backend, SeglogError, Store } from "../../mod.ts";
import { createService, type Service } from "../../server/app.ts";
import { WEBHOOKS_DUTY } from "../../server/webhooks/routed_webhooks.ts";
import { type ElectionNode, Electorate, LEASE_MS } from "../support/electorate.ts";
import { jsonOf, jsonRequest, overriding, problemOf } from "./support.ts";
import { FakeReceiver } from "./webhook_receiver.ts";

const GROUP = "/v1/groups/billing";
const HOOK = "/v1/webhooks/hook";
const HOOK_BODY = { topic: "orders", url: "https://receiver.example/hook", from: "start" };

interface ServerNode {
  readonly node: ElectionNode;
  readonly service: Service;
  readonly receiver: FakeReceiver;
}

interface Told {
  readonly generation: number;
  readonly partitions: readonly {
    topic: string;
    partition: number;
    since: number;
    offset: number;
  }[];
}

/** Two servers over one store. */
class Servers implements AsyncDisposable {
  readonly electorate = new Electorate();
  readonly store: Store;
  readonly nodes: ServerNode[] = [];

  private constructor(store: Store) {
    this.store = store;
  }

  static async open(): Promise<Servers> {
    const store = await Store.memory();
    await store.append("orders", [{ value: "0" }, { value: "1" }, { value: "2" }]);
    const servers = new Servers(store);
    for (let i = 0; i < 2; i++) await servers.#add();
    return servers;
  }

  async #add(): Promise<void> {
    const node = this.electorate.node();
    const receiver = new FakeReceiver();
    receiver.always = { status: 204 };
    const service = createService(reachable(this.store, node), {
      clock: node.clock,
      webhookSender: receiver,
    });
    await service.start();
    this.nodes.push({ node, service, receiver });
  }

  async ask(at: ServerNode, path: string, init?: RequestInit): Promise<Response> {
    return await this.electorate.until(Promise.resolve(at.service.app.request(path, init)));
  }

  post(at: ServerNode, path: string, body: unknown): Promise<Response> {
    return this.ask(at, path, jsonRequest("POST", body));
  }

  /** Who holds a duty, and who does not. */
  async parts(duty: string): Promise<[ServerNode, ServerNode]> {
    const holder = () =>
      this.nodes.findIndex((_, index) => this.electorate.addressOf(duty) === `node${index}`);
    await this.electorate.untilSo(() => holder() >= 0);
    return [this.nodes[holder()]!, this.nodes[1 - holder()]!];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { node } of this.nodes) Object.assign(node, { isCut: false, isStill: false });
    for (const { service } of this.nodes) await this.electorate.until(service.close());
    await this.electorate[Symbol.asyncDispose]();
    await this.store.close();
  }
}

/** A store that a node which is cut off does not reach. */
function reachable(store: Store, node: ElectionNode): Backend {
  const reached = { election: node.election };
  const names = ["append", "appendBatch", "bounds", "read", "readAll", "describeTopic"] as const;
  for (const name of names) {
    const call = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(reached, {
      [name]: async (...args: unknown[]) => {
        if (node.isCut) throw new SeglogError("unavailable", "Cannot reach the store");
        return await call(...args);
      },
    });
  }
  return overriding(store, reached);
}

const JOIN = { member: "one", topics: ["orders"], leaseMs: 60_000 };

function commitOf({ partitions: [place] }: Told, offset: number) {
  const { topic, partition, since } = place!;
  return { member: "one", offsets: [{ topic, partition, offset, since }] };
}

test("whichever server is asked, a group is one, and only who coordinates it measures it", async () => {
  await using servers = await Servers.open();
  const [first, second] = servers.nodes as [ServerNode, ServerNode];
  const told = await jsonOf<Told>(await servers.post(first, `${GROUP}/join`, JOIN));
  await jsonOf(await servers.post(second, `${GROUP}/commit`, commitOf(told, 2)));
  for (const server of servers.nodes) {
    const { members, partitions } = await jsonOf<{
      members: { member: string }[];
      partitions: { committed: number }[];
    }>(await servers.ask(server, GROUP));
    assert.deepEqual(members.map(({ member }) => member), ["one"]);
    assert.deepEqual(partitions.map(({ committed }) => committed), [2]);
  }
  const [holder, other] = await servers.parts("groups");
  const measured = async (server: ServerNode) =>
    (await (await servers.ask(server, "/metrics")).text()).includes(
      'seglog_group_lag_records{group="billing"',
    );
  assert.deepEqual([await measured(holder), await measured(other)], [true, false]);
});

test("a server that stood still past its lease refuses what its members commit", async () => {
  await using servers = await Servers.open();
  const [first] = servers.nodes as [ServerNode];
  const old = await jsonOf<Told>(await servers.post(first, `${GROUP}/join`, JOIN));
  const [holder, other] = await servers.parts("groups");
  holder.node.isStill = true;
  const anew = await jsonOf<Told>(
    await servers.post(other, `${GROUP}/join`, { ...JOIN, member: "two" }),
  );
  assert.ok(anew.generation > old.generation);
  const late = await servers.post(holder, `${GROUP}/commit`, commitOf(old, 3));
  assert.equal((await problemOf(late, 412, "condition-failed")).rejoin, true);
  holder.node.isStill = false;
  await servers.electorate.pass(LEASE_MS);
  const again = await jsonOf<Told>(await servers.post(holder, `${GROUP}/join`, JOIN));
  assert.ok(again.generation > anew.generation);
});

test("groups of another tenant are one on all servers, too", async () => {
  await using servers = await Servers.open();
  const [first, second] = servers.nodes as [ServerNode, ServerNode];
  const token = async (body: unknown, authorization = "") =>
    (await jsonOf<{ token: string }>(
      await servers.ask(first, "/v1/tokens", {
        ...jsonRequest("POST", body),
        headers: { "content-type": "application/json", ...authorization && { authorization } },
      }),
      201,
    )).token;
  const operator = await token({ name: "operator", grants: "admin" });
  const acme = await token(
    { name: "acme", grants: "admin:*", tenant: "acme" },
    `Bearer ${operator}`,
  );
  const isOpen = async () => (await second.service.app.request("/v1/topics")).status === 200;
  await servers.electorate.untilSo(async () => !await isOpen()); // it has seen that there are any
  const asAcme = async (at: ServerNode, path: string, init: RequestInit = {}) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${acme}` };
    return await servers.ask(at, path, { ...init, headers });
  };
  await jsonOf(await asAcme(first, "/v1/topics/orders/records", jsonRequest("POST", { value: 1 })));
  await jsonOf(await asAcme(second, `${GROUP}/join`, jsonRequest("POST", JOIN)));
  for (const server of servers.nodes) {
    const group = await jsonOf<{ members: unknown[] }>(await asAcme(server, GROUP));
    assert.equal(group.members.length, 1);
    const operators = { headers: { authorization: `Bearer ${operator}` } };
    await problemOf(await servers.ask(server, GROUP, operators), 404, "not-found");
  }
});

test("whichever server is asked, a webhook is one, and one server delivers it", async () => {
  await using servers = await Servers.open();
  const [holder, other] = await servers.parts(WEBHOOKS_DUTY);
  const made = await jsonOf(await servers.ask(other, HOOK, jsonRequest("PUT", HOOK_BODY)), 201);
  assert.match(String(made.secret), /^whsec_/);
  await servers.electorate.untilSo(() => holder.receiver.seen.length > 0);
  assert.deepEqual(holder.receiver.seen[0]!.offsets, [0, 1, 2]);
  for (const server of servers.nodes) {
    const { webhooks } = await jsonOf<{ webhooks: { name: string; state: string }[] }>(
      await servers.ask(server, "/v1/webhooks"),
    );
    assert.deepEqual(webhooks.map(({ name, state }) => [name, state]), [["hook", "active"]]);
  }
  const test = await servers.post(other, `${HOOK}/test`, {});
  assert.equal((await jsonOf(test)).delivered, true);
  const paused = await jsonOf(await servers.post(other, `${HOOK}/pause`, {}));
  assert.equal(paused.state, "paused");
  await servers.store.append("orders", [{ value: "3" }]);
  await jsonOf(await servers.post(other, `${HOOK}/resume`, {}));
  await servers.electorate.untilSo(() => holder.receiver.seen.at(-1)!.offsets[0] === 3);
  assert.equal((await servers.ask(other, HOOK, { method: "DELETE" })).status, 204);
  await problemOf(await servers.ask(holder, HOOK), 404, "not-found");
  await problemOf(await servers.ask(other, HOOK), 404, "not-found");
  assert.equal(other.receiver.seen.length, 0);
});

test("when the server that delivers dies another goes on where it was", async () => {
  await using servers = await Servers.open();
  const [holder, other] = await servers.parts(WEBHOOKS_DUTY);
  await jsonOf(await servers.ask(holder, HOOK, jsonRequest("PUT", HOOK_BODY)), 201);
  const next = async (at: ServerNode) =>
    (await jsonOf<{ deliveries: { next: number }[] }>(await servers.ask(at, HOOK)))
      .deliveries[0]!.next;
  await servers.electorate.untilSo(async () => await next(other) === 3);
  Object.assign(holder.node, { isCut: true, isStill: true });
  await servers.store.append("orders", [{ value: "3" }]);
  const before = other.node.clock.now();
  await servers.electorate.untilSo(() => other.receiver.seen.length > 0);
  assert.ok(other.node.clock.now() - before <= LEASE_MS + LEASE_MS / 3);
  assert.deepEqual(other.receiver.seen.map(({ offsets }) => offsets), [[3]]);
  assert.equal(await next(other), 4);
});

test("a server that delivered, stood still past its lease and comes back delivers no more", async () => {
  await using servers = await Servers.open();
  const [holder, other] = await servers.parts(WEBHOOKS_DUTY);
  await jsonOf(await servers.ask(holder, HOOK, jsonRequest("PUT", HOOK_BODY)), 201);
  await servers.electorate.untilSo(() => holder.receiver.seen.length === 1);
  holder.node.isStill = true;
  await servers.electorate.pass(2 * LEASE_MS);
  holder.node.isStill = false;
  await servers.electorate.pass(LEASE_MS);
  const seen = holder.receiver.seen.length;
  await servers.store.append("orders", [{ value: "3" }]);
  await servers.electorate.untilSo(() =>
    other.receiver.seen.some(({ offsets }) => offsets[0] === 3)
  );
  await servers.electorate.pass(LEASE_MS);
  assert.equal(holder.receiver.seen.length, seen);
});

test("where no server can deliver, webhooks are unavailable, and nothing else is", async () => {
  await using servers = await Servers.open();
  const [holder, other] = await servers.parts(WEBHOOKS_DUTY);
  await servers.electorate.until(holder.service.close());
  await servers.electorate.until(other.service.close());
  servers.nodes.length = 0;
  const node = servers.electorate.node();
  const backend = overriding(servers.store, { election: node.election });
  const service = createService(backend, { clock: node.clock }); // it was not started
  servers.nodes.push({ node, service, receiver: new FakeReceiver() });
  const [only] = servers.nodes as [ServerNode];
  await problemOf(await servers.ask(only, "/v1/webhooks"), 503, "unavailable");
  await jsonOf(await servers.ask(only, "/v1/topics"));
});
