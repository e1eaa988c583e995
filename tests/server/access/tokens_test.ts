import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../../mod.ts";
import { createService } from "../../../server/app.ts";
import { Credentials, CREDENTIALS_TOPIC } from "../../../server/access/credentials.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { jsonOf, jsonRequest, problemOf } from "../support.ts";
import { openGuarded } from "./access_support.ts";

test("a server without credentials trusts whoever reaches it, and from the first one on nobody", async () => {
  await using store = await Store.memory();
  const service = createService(store);
  const record = jsonRequest("POST", { value: 1 });
  await jsonOf(await service.app.request("/v1/topics/a/records", record));
  const made = await jsonOf<{ token: string; id: string }>(
    await service.app.request("/v1/tokens", jsonRequest("POST", { name: "ops", grants: "admin" })),
    201,
  );
  assert.match(made.token, /^seglog_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  const refused = await service.app.request("/v1/topics/a/records", record);
  assert.match(refused.headers.get("www-authenticate")!, /^Bearer/);
  await problemOf(refused, 401, "unauthenticated");
  const authorization = { authorization: `Bearer ${made.token}` };
  const init = { ...record, headers: { ...record.headers, ...authorization } };
  await jsonOf(await service.app.request("/v1/topics/a/records", init));
  // Revoking the last one does not open the server again.
  const gone = await service.app.request(`/v1/tokens/${made.id}`, {
    method: "DELETE",
    headers: authorization,
  });
  await jsonOf(gone);
  await problemOf(await service.app.request("/v1/topics"), 401, "unauthenticated");
  await service.close();
});

test("what is kept of a token lets nobody in, and it is shown once", async () => {
  await using opened = await openGuarded();
  const token = await opened.token({ name: "ci", grants: "produce:orders" });
  const secret = token.slice(-43);
  const list = await (await opened.operator("/v1/tokens")).text();
  assert.match(list, /"name":"ci".*"grants":"produce:orders"/);
  let kept = "";
  for await (const batch of opened.store.batches(CREDENTIALS_TOPIC)) {
    for (const record of batch.records()) kept += record.text;
  }
  for (const text of [list, kept]) assert.ok(!text.includes(secret), text);
});

test("wrong, cut, foreign and revoked tokens are all told the same", async () => {
  await using opened = await openGuarded();
  const { app, operator } = opened;
  const token = await opened.token({ name: "ci", grants: "consume" });
  const ask = (authorization: string) => app.request("/v1/topics", { headers: { authorization } });
  await jsonOf(await ask(`bearer ${token}`));
  const wrong = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  const other = token.replace(/_[0-9a-f]{12}_/, "_000000000000_");
  const told = new Set<string>();
  for (const each of [wrong, other]) {
    told.add((await problemOf(await ask(`Bearer ${each}`), 401, "unauthenticated")).detail);
  }
  await jsonOf(await operator("/v1/tokens/ci", { method: "DELETE" }));
  told.add((await problemOf(await ask(`Bearer ${token}`), 401, "unauthenticated")).detail);
  assert.equal(told.size, 1, [...told].join("\n"));
  for (
    const each of ["Bearer", "Basic dTpw", `Bearer ${token} x`.slice(0, 20), token, "Bearer a b"]
  ) {
    await problemOf(await ask(each), 401, "unauthenticated");
  }
});

test("a token counts until its time is over", async () => {
  const clock = new FakeClock(1_000_000);
  await using opened = await openGuarded({ clock });
  const ask = await opened.somebody({ name: "short", grants: "consume", ttlMs: 3_600_000 });
  await jsonOf(await ask("/v1/topics"));
  clock.advance(3_600_000);
  assert.match(
    (await problemOf(await ask("/v1/topics"), 401, "unauthenticated")).detail,
    /expired/,
  );
});

test("who came in is told when the credentials do not count any more", async () => {
  const clock = new FakeClock(0);
  await using store = await Store.memory();
  const credentials = await Credentials.open(store, { clock, notice: assert.fail });
  const open = credentials.recognize({})!;
  const { token } = await credentials.make({ name: "a", grants: "consume" });
  assert.ok(open.ended.aborted, "anybody is nobody any more");
  const recognized = credentials.recognize({ authorization: `Bearer ${token}` })!;
  assert.ok(!recognized.ended.aborted);
  await credentials.revoke("a");
  assert.ok(recognized.ended.aborted);
  const month = 30 * 86_400_000;
  const short = await credentials.make({ name: "b", grants: "consume", ttlMs: month });
  const { ended } = credentials.recognize({ authorization: `Bearer ${short.token}` })!;
  for (let day = 0; day < 29; day++) clock.advance(86_400_000);
  assert.ok(!ended.aborted);
  clock.advance(86_400_000);
  assert.ok(ended.aborted);
  await credentials.close();
});

test("the subject of a client certificate is somebody, when it is kept", async () => {
  await using store = await Store.memory();
  const credentials = await Credentials.open(store, {
    clock: new FakeClock(0),
    notice: assert.fail,
  });
  const subject = "CN=billing,O=acme";
  const made = await credentials.make({ name: "billing", grants: "consume:a", subject });
  assert.equal(made.token, undefined);
  assert.equal(credentials.recognize({ subject })!.principal.name, "billing");
  assert.throws(() => credentials.recognize({ subject: "CN=billing" }), {
    code: "unauthenticated",
  });
  assert.equal(credentials.recognize({}), undefined);
  await credentials.close();
});

test("credentials survive a restart", async () => {
  const store = await Store.memory();
  let token: string;
  {
    const service = createService(store);
    const made = jsonRequest("POST", { name: "ops", grants: "admin" });
    token =
      (await jsonOf<{ token: string }>(await service.app.request("/v1/tokens", made), 201)).token;
    await service.close();
  }
  const service = createService(store);
  await problemOf(await service.app.request("/v1/topics"), 401, "unauthenticated");
  const headers = { authorization: `Bearer ${token}` };
  await jsonOf(await service.app.request("/v1/topics", { headers }));
  await service.close();
  await store.close();
});

test("when credentials cannot be read, nobody comes in", async () => {
  await using store = await Store.memory();
  await store.append(CREDENTIALS_TOPIC, [{ key: "x", value: "{}", type: "json" }]);
  const service = createService(store);
  await problemOf(await service.app.request("/v1/topics"), 500, "corrupt");
  assert.equal((await service.app.request("/livez")).status, 200);
  await service.close();
});

test("what is no credential is refused, and names the member", async () => {
  await using opened = await openGuarded();
  for (
    const [body, member] of [
      [{ grants: "admin" }, "name"],
      [{ name: "a", grants: "everything" }, "grants"],
      [{ name: "a", grants: "admin", tenant: "A/../b" }, "tenant"],
      [{ name: "a\nb", grants: "admin" }, "name"],
      [{ name: "a", grants: "admin", ttlMs: 0 }, "ttlMs"],
      [{ name: "a", grants: "admin", ttlMs: Number.MAX_SAFE_INTEGER }, "ttlMs"],
      [{ name: "a", grants: "admin", hash: "x" }, ""],
      [[], ""],
    ] as const
  ) {
    const answer = await opened.operator("/v1/tokens", jsonRequest("POST", body));
    assert.equal((await problemOf(answer, 400, "invalid-argument")).member, member);
  }
  const twice = await opened.operator(
    "/v1/tokens",
    jsonRequest("POST", { name: "operator", grants: "admin" }),
  );
  await problemOf(twice, 409, "exists");
  await problemOf(await opened.operator("/v1/tokens/none", { method: "DELETE" }), 404, "not-found");
});

test("who reads beside the owner sees the first credential when it comes", async () => {
  const clock = new FakeClock(0);
  await using store = await Store.memory();
  const readOnly = new Proxy(store, {
    get: (target, name) => {
      if (name === "capabilities") return { ...target.capabilities, canWrite: false };
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const reader = await Credentials.open(readOnly, { clock, notice: assert.fail });
  assert.ok(!reader.areNeeded);
  const owner = await Credentials.open(store, { clock, notice: assert.fail });
  await owner.make({ name: "a", grants: "admin" });
  const { ended } = reader.recognize({})!;
  const told = new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
  clock.advance(1000);
  await told;
  assert.ok(reader.areNeeded);
  await reader.close();
  await owner.close();
});

test("a subject is one credential's, so that it is never in question what it may do", async () => {
  await using opened = await openGuarded();
  const make = (name: string) =>
    opened.operator(
      "/v1/tokens",
      jsonRequest("POST", { name, grants: "consume", subject: "CN=ann" }),
    );
  await jsonOf(await make("ann"), 201);
  const problem = await problemOf(await make("ann again"), 409, "exists");
  assert.match(problem.detail, /"ann"/);
  await jsonOf(await opened.operator("/v1/tokens/ann", { method: "DELETE" }));
  await jsonOf(await make("ann again"), 201);
});

test("an id is nobody else's name: what is revoked by it is what has it", async () => {
  await using opened = await openGuarded();
  const make = async (name: string) =>
    await jsonOf<{ id: string }>(
      await opened.operator("/v1/tokens", jsonRequest("POST", { name, grants: "consume" })),
      201,
    );
  // Found first by its name, if names came before ids.
  const taken = await make("taken");
  const named = jsonRequest("POST", { name: taken.id, grants: "consume" });
  await problemOf(await opened.operator("/v1/tokens", named), 409, "exists");
});

test("when credentials cannot be read any more, those who have come in are shown out", async () => {
  const clock = new FakeClock(0);
  const notices: string[] = [];
  await using store = await Store.memory();
  const credentials = await Credentials.open(store, {
    clock,
    notice: (text) => notices.push(text),
  });
  const { token } = await credentials.make({ name: "a", grants: "admin" });
  const { ended } = credentials.recognize({ authorization: `Bearer ${token}` })!;
  const told = new Promise<void>((resolve) => ended.addEventListener("abort", () => resolve()));
  await store.append(CREDENTIALS_TOPIC, [{ key: "x", value: "{}", type: "json" }]);
  await told;
  assert.equal(notices.length, 1);
  assert.throws(() => credentials.recognize({ authorization: `Bearer ${token}` }), {
    code: "corrupt",
  });
  await credentials.close();
});
