import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryDisk, Store, type TopicDetails, type TopicInfo } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { jsonOf, jsonRequest, openApp, problemOf } from "./support.ts";

test("PUT makes a topic, finds it, and refuses other settings", async () => {
  await using opened = await openApp();
  const put = (body?: unknown) =>
    opened.app.request(
      "/v1/topics/orders",
      body === undefined ? { method: "PUT" } : jsonRequest("PUT", body),
    );
  const made = await jsonOf<TopicInfo>(await put({ partitions: 3 }), 201);
  assert.equal(made.config.partitions, 3);
  const found = await jsonOf<TopicInfo>(await put());
  assert.equal(found.id, made.id);
  await problemOf(await put({ partitions: 4 }), 409, "exists");
});

test("topics are listed by name, and described with their partitions", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  assert.equal(await (await app.request("/v1/topics")).text(), '{"topics":[]}');
  await store.ensureTopic("b", { partitions: 2 });
  await store.ensureTopic("a");
  await store.append("b", [{ value: "x" }], { partition: 1 });
  const { topics } = await jsonOf<{ topics: TopicInfo[] }>(await app.request("/v1/topics"));
  assert.deepEqual(topics.map(({ name }) => name), ["a", "b"]);
  const details = await jsonOf<TopicDetails>(await app.request("/v1/topics/b"));
  assert.deepEqual(details.partitions.map(({ nextOffset }) => nextOffset), [0, 1]);
});

test("PATCH changes settings, all but the number of partitions", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.ensureTopic("orders");
  const patch = (body: unknown) => app.request("/v1/topics/orders", jsonRequest("PATCH", body));
  const changed = await jsonOf<TopicInfo>(await patch({ retentionRecords: 5 }));
  assert.equal(changed.config.retentionRecords, 5);
  await problemOf(await patch({ partitions: 2 }), 400, "invalid-argument");
  await problemOf(await patch({ colour: "red" }), 400, "invalid-argument");
  await problemOf(await patch(""), 400, "invalid-argument");
  await problemOf(await patch("[]"), 400, "invalid-argument");
  await problemOf(
    await app.request("/v1/topics/none", jsonRequest("PATCH", { retentionRecords: 5 })),
    404,
    "not-found",
  );
});

test("DELETE removes a topic", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("orders", [{ value: "x" }]);
  const remove = () => app.request("/v1/topics/orders", { method: "DELETE" });
  const response = await remove();
  assert.equal(response.status, 204);
  assert.equal(await response.text(), "");
  await problemOf(await remove(), 404, "not-found");
});

test("a bad body or name is refused, and makes no topic", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const put = (name: string, body: string) =>
    app.request(`/v1/topics/${name}`, jsonRequest("PUT", body));
  await problemOf(await put("a", "{"), 400, "invalid-argument");
  await problemOf(await put("a", '{"partitions":0}'), 400, "invalid-argument");
  await problemOf(await put("a", '{"partitions":9007199254740993}'), 400, "invalid-argument");
  await problemOf(await put("a", JSON.stringify("x".repeat(5000))), 413, "too-large");
  await problemOf(await put("a%00b", ""), 400, "invalid-argument");
  await problemOf(await put("x".repeat(201), ""), 400, "invalid-argument");
  assert.deepEqual(await store.listTopics(), []);
});

test("a name is what its percent-encoding says, slashes and dots included", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  const names = ["a/b", "../etc/passwd", "a%2Fb", "50%", "ü 😀", "a?b#c", "x+y", "a;b"];
  for (const name of names) {
    const path = `/v1/topics/${encodeURIComponent(name)}/records`;
    const response = await app.request(path, jsonRequest("POST", { value: name }));
    const { topic } = await jsonOf<{ topic: string }>(response);
    assert.equal(topic, name);
  }
  const listed = (await store.listTopics()).map(({ name }) => name);
  assert.deepEqual(listed.toSorted(), names.toSorted());
});

test("the topics `.` and `..` are reached with a semicolon", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  for (const name of [".", ".."]) {
    const path = `/v1/topics/${name};/records`;
    await jsonOf(await app.request(path, jsonRequest("POST", { value: name })));
  }
  assert.deepEqual((await store.listTopics()).map(({ name }) => name), [".", ".."]);
});

test("percent-encoding that is not UTF-8 is a bad request", async () => {
  await using opened = await openApp();
  for (const path of ["/v1/topics/%zz/records", "/v1/topics/%ff", "/v1/topics/a%"]) {
    await problemOf(await opened.app.request(path), 400, "invalid-argument");
  }
  await problemOf(
    await opened.app.request("/v1/topics/a/records?key=%ff"),
    400,
    "invalid-argument",
  );
});

test("a store that is read only refuses changes with 403", async () => {
  const disk = new MemoryDisk();
  const owner = await Store.open("/data", { disk });
  await owner.append("orders", [{ value: "x" }]);
  await owner.close();
  const reader = await Store.open("/data", { disk, readOnly: true });
  const app = createApp(reader);
  const append = app.request("/v1/topics/orders/records", jsonRequest("POST", { value: 1 }));
  await problemOf(await append, 403, "read-only");
  await problemOf(await app.request("/v1/topics/orders", { method: "DELETE" }), 403, "read-only");
  assert.equal((await app.request("/v1/topics/orders/records/0")).status, 200);
  await reader.close();
});
