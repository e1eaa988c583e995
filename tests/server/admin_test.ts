/** What whoever runs a server asks of it. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connectHttp } from "../../client/connect_http.ts";
import { SeglogError, Store } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import { ADMIN_ROUTES } from "../../server/routes/admin.ts";
import { serve } from "../../server/listen.ts";
import type { ServerStatus } from "../../server/status.ts";
import { tempDir } from "../support/temp_dir.ts";
import { eventsOf } from "./event_reader.ts";
import {
  jsonOf,
  jsonRequest,
  openApp,
  openServer,
  overriding,
  post,
  problemOf,
} from "./support.ts";

test("the status tells of the server and of what it serves", async () => {
  await using opened = await openApp({ volumeId: "v7", version: "9.9.9" });
  const { app, store } = opened;
  await store.ensureTopic("t", { partitions: 2 });
  await store.append("t", [{ value: "a" }, { value: "b" }], { partition: 0 });
  await store.append("u", [{ value: "c" }]);
  const status = await jsonOf<ServerStatus>(await app.request("/v1/admin/status"));
  const { topics, partitions, segments, records, recovered, failed } = status;
  assert.deepEqual(
    { topics, partitions, segments, records, recovered, failed },
    { topics: 2, partitions: 3, segments: 3, records: 3, recovered: [], failed: [] },
  );
  const { version, role, volumeId, kind, canWrite, isStopping } = status;
  assert.deepEqual(
    { version, role, volumeId, kind, canWrite, isStopping },
    {
      version: "9.9.9",
      role: "all",
      volumeId: "v7",
      kind: "memory",
      canWrite: true,
      isStopping: false,
    },
  );
  for (const amount of ["bytes", "pid", "residentBytes", "heapBytes"] as const) {
    assert.ok(status[amount] > 0, amount);
  }
});

test("connections and followers are counted while they last", async () => {
  await using opened = await openServer();
  await opened.store.append("t", [{ value: "a" }]);
  const status = async () =>
    await jsonOf<ServerStatus>(await fetch(`${opened.url}/v1/admin/status`));
  {
    const headers = { accept: "text/event-stream" };
    const events = eventsOf(await fetch(`${opened.url}/v1/topics/t/records`, { headers }));
    await events.next();
    const { connections, followers } = await status();
    assert.equal(followers, 1);
    assert.ok(connections >= 2);
    await events.return();
  }
  while ((await status()).followers > 0);
});

test("a partition that was not closed well is told of with where its end is kept", async () => {
  await using dir = tempDir();
  {
    await using store = await Store.open(dir.path);
    await store.append("t", [{ value: "a" }]);
  }
  fs.appendFileSync(join(dir.path, "t-0", "00000000000000000000.log"), "torn");
  await using store = await Store.open(dir.path);
  const { recovered } = await jsonOf<ServerStatus>(
    await createApp(store).request("/v1/admin/status"),
  );
  assert.equal(recovered.length, 1);
  const { topic, partition, bytes, path } = recovered[0]!;
  assert.deepEqual([topic, partition, bytes], ["t", 0, 4]);
  assert.equal(fs.readFileSync(path, "utf8"), "torn");
});

test("a topic that cannot be measured keeps no other from it", async () => {
  await using store = await Store.memory();
  await store.append("a", [{ value: "x" }]);
  await store.append("b", [{ value: "x" }]);
  const app = createApp(overriding(store, {
    describeTopic: (topic) =>
      topic === "a"
        ? Promise.reject(new SeglogError("corrupt", "Cannot open it"))
        : store.describeTopic(topic),
  }));
  const { topics, records, failed } = await jsonOf<ServerStatus>(
    await app.request("/v1/admin/status"),
  );
  assert.deepEqual([topics, records], [2, 1]);
  assert.deepEqual(failed, [{ topic: "a", reason: "Cannot open it" }]);
});

test("segments are told of with their offsets, sizes and times, over HTTP as in the store", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await store.ensureTopic("a/b", { segmentBytes: 4096, compaction: "keys" });
  for (let i = 0; i < 6; i++) {
    await store.append("a/b", [{ key: "k", value: "x".repeat(1500), timestamp: 1000 + i }]);
  }
  const [partition] = await store.segments("a/b");
  assert.equal(partition!.partition, 0);
  assert.ok(partition!.segments.length >= 3);
  partition!.segments.forEach((segment, i) => {
    const { baseOffset, nextOffset, isSealed, generation } = segment;
    assert.equal(isSealed, i < partition!.segments.length - 1);
    assert.equal(generation, 0);
    assert.equal(segment.records, nextOffset - baseOffset);
    assert.equal(segment.firstTimestampMs, 1000 + baseOffset);
    assert.equal(segment.maxTimestampMs, 1000 + nextOffset - 1);
  });
  await using client = await connectHttp(url);
  assert.deepEqual(await client.segments("a/b"), await store.segments("a/b"));
  await store.compact("a/b");
  const [after] = await client.segments("a/b");
  assert.deepEqual(after, (await store.segments("a/b"))[0]);
  assert.ok(
    after!.segments.at(-1)!.records === 0 && !("maxTimestampMs" in after!.segments.at(-1)!),
  );
});

test("segments of topics named with dots, and of none", async () => {
  await using opened = await openServer();
  await opened.store.append("..", [{ value: "x" }]);
  await using client = await connectHttp(opened.url);
  assert.equal((await client.segments(".."))[0]!.segments[0]!.records, 1);
  await assert.rejects(client.segments("none"), { code: "not-found" });
  const without = new Proxy(opened.store, {
    get(target, name) {
      const member = name === "segments" ? undefined : Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const answer = await createApp(without).request("/v1/admin/segments/t");
  await problemOf(answer, 501, "unsupported");
});

test("the configuration shows what the server was told, and its limits", async () => {
  const settings = [{ key: "http", value: "127.0.0.1:1", from: "--http" }];
  await using opened = await openApp({ settings, role: "all", limits: { bucketsMax: 7 } });
  const config = await jsonOf(await opened.app.request("/v1/admin/config"));
  assert.deepEqual(config.settings, settings);
  assert.equal((config.limits as { bucketsMax: number }).bucketsMax, 7);
});

test("compaction takes the topics that are named, or those that are set to be compacted", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  for (const topic of ["a", "b", "c"]) {
    await store.ensureTopic(topic, { compaction: topic === "b" ? "none" : "keys" });
    await store.append(topic, [{ key: "k", value: "1" }]);
    await store.append(topic, [{ key: "k", value: "2" }]);
  }
  const compact = async (body: unknown) =>
    await jsonOf<{ topics: { topic: string; records: number }[] }>(
      await app.request("/v1/admin/compact", jsonRequest("POST", body)),
    );
  const removed = ({ topics }: { topics: { topic: string; records: number }[] }) =>
    topics.map(({ topic, records }) => [topic, records]);
  assert.deepEqual(removed(await compact({ topics: ["b"] })), [["b", 1]]);
  assert.deepEqual(removed(await compact({})), [["a", 1], ["c", 1]]);
});

test("compaction refuses what it cannot understand, and changes nothing", async () => {
  await using opened = await openApp();
  const { app, store } = opened;
  await store.append("a", [{ key: "k", value: "1" }]);
  for (const body of [{ topics: [] }, { topics: [7] }, { topics: "a" }, { topic: "a" }, []]) {
    const answer = await app.request("/v1/admin/compact", jsonRequest("POST", body));
    await problemOf(answer, 400, "invalid-argument");
  }
  const plain = await app.request("/v1/admin/compact", post("text/plain", "{}"));
  await problemOf(plain, 415, "unsupported-media-type");
  const none = await app.request("/v1/admin/compact", jsonRequest("POST", { topics: ["none"] }));
  await problemOf(none, 404, "not-found");
});

test("administration is for whoever runs the server", () => {
  assert.deepEqual(new Set(ADMIN_ROUTES.map(({ access }) => access.kind)), new Set(["operator"]));
});

test("a status is given while the server stops", async () => {
  await using store = await Store.memory();
  const server = await serve(store, { port: 0 });
  const response = await fetch(`${server.url}/v1/admin/status`);
  assert.equal((await jsonOf<ServerStatus>(response)).isStopping, false);
  await server.close();
});
