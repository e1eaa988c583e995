/** Servers and writers that are stopped, continued and told to end, with work under way. */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import { connect, readRecords, SeglogError, Store, verify } from "../../mod.ts";
import { nodeDisk } from "../../core/disk/node_disk.ts";
import { readManifest } from "../../core/log/manifest.ts";
import { runCli, type RunningCli, startCli } from "../cli/run_cli.ts";
import { collect } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";

async function served(folder: string): Promise<{ server: RunningCli; url: string }> {
  const server = startCli(["serve", "--http", "127.0.0.1:0", "--data", folder]);
  await server.said(/listening on http:\S+\n/);
  return { server, url: /listening on (\S+)/.exec(server.text())![1]! };
}

/** A promise, and what fulfils it. */
function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => open = resolve);
  return { passed, open };
}

describe("a server that is stopped", () => {
  test("makes a producer try again, and nothing is lost or doubled when it goes on", async () => {
    await using dir = tempDir();
    const { server, url } = await served(dir.path);
    await using _ = server;
    const hasTimedOut = gate();
    await using client = await connect(url, {
      timeoutMs: 300,
      retries: 1000,
      onNotice: () => hasTimedOut.open(),
    });
    const producer = (sequence: number) => ({ producer: { id: "p", epoch: 0, sequence } });
    await client.append("t", [{ value: "0" }], producer(0));
    process.kill(server.child.pid!, "SIGSTOP");
    const appending = client.append("t", [{ value: "1" }], producer(1));
    await hasTimedOut.passed;
    process.kill(server.child.pid!, "SIGCONT");
    assert.deepEqual((await appending).start, 1);
    assert.equal((await client.append("t", [{ value: "2" }], producer(2))).start, 2);
    const texts = (await collect(readRecords(client, "t"))).map(({ text }) => text);
    assert.deepEqual(texts, ["0", "1", "2"]);
  });

  test("leaves an append without a producer unknown: it is there once, or not at all", async () => {
    await using dir = tempDir();
    const { server, url } = await served(dir.path);
    await using _ = server;
    await using patient = await connect(url);
    await patient.append("t", [{ value: "0" }]);
    await using client = await connect(url, { timeoutMs: 300, retries: 1000 });
    process.kill(server.child.pid!, "SIGSTOP");
    await assert.rejects(() => client.append("t", [{ value: "1" }, { value: "2" }]), {
      code: "outcome-unknown",
    });
    process.kill(server.child.pid!, "SIGCONT");
    await patient.append("t", [{ value: "3" }]);
    await patient.flush("t");
    const texts = (await collect(readRecords(patient, "t"))).map(({ text }) => text);
    const unknown: string[] = texts.filter((text) => text === "1" || text === "2");
    assert.ok(unknown.length === 0 || unknown.join() === "1,2", texts.join());
    assert.deepEqual(texts.filter((text) => !unknown.includes(text)), ["0", "3"]);
  });
});

describe("SIGTERM under load", () => {
  test("ends a server in good order, with everything that it acknowledged", async () => {
    await using dir = tempDir();
    const { server, url } = await served(dir.path);
    await using _ = server;
    await using client = await connect(url, { retries: 0 });
    await client.ensureTopic("t");
    const acknowledged = new Map<number, string>();
    const followed: string[] = [];
    const isBusy = gate();
    const write = async (name: string) => {
      for (let i = 0;; i++) {
        const value = `${name} ${i}`;
        const { start } = await client.append("t", [{ value }]);
        acknowledged.set(start, value);
        if (acknowledged.size === 100) isBusy.open();
      }
    };
    const follow = async () => {
      for await (const { text } of readRecords(client, "t", { follow: true })) followed.push(text);
    };
    const running = [...["a", "b", "c", "d"].map(write), follow(), follow()];
    const ends = running.map((one) => one.catch((error) => error));
    await isBusy.passed;
    server.signal("SIGTERM");
    const { code, err } = await server.ended;
    assert.equal(code, 0, err);
    await client.close(); // followers would wait for the server to come back
    for (const end of await Promise.all(ends)) assert.ok(end instanceof SeglogError, `${end}`);
    checkClosedWell(dir.path);
    await using store = await Store.open(dir.path);
    const texts = (await collect(readRecords(store, "t"))).map(({ text }) => text);
    for (const [offset, value] of acknowledged) assert.equal(texts[offset], value);
    for (const text of followed) assert.ok(texts.includes(text), `${text} was seen, and is gone`);
  });

  test("ends append in good order, and it tells what was acknowledged", async () => {
    await using dir = tempDir();
    await using append = startCli(["append", "t"], { at: dir.path });
    let line = 0;
    let isOver = false;
    void append.ended.then(() => isOver = true);
    const feed = async () => {
      while (!isOver) {
        const lines = Array.from({ length: 100 }, () => `${line++}\n`).join("");
        const isFull = !append.child.stdin!.write(lines);
        if (isFull) await new Promise((resolve) => setTimeout(resolve, 5)); // or it is over
      }
    };
    const feeding = feed();
    await using reader = await storeWith(dir.path, 200);
    append.signal("SIGTERM");
    const { code, out } = await append.ended;
    await feeding;
    assert.equal(code, 130);
    const [start, end] = out.trim().split("..").map(Number);
    assert.equal(start, 0);
    const texts = (await collect(readRecords(reader, "t"))).map(({ text }) => text);
    assert.deepEqual(texts, Array.from({ length: end! }, (_, i) => `${i}`));
    checkClosedWell(dir.path);
    assert.equal((await runCli(["append", "t", "next"], { at: dir.path })).out, `${end}\n`);
  });
});

/** A reader beside the owner, once the topic "t" has so many records. */
async function storeWith(folder: string, count: number): Promise<Store> {
  for (;;) {
    try {
      const store = await Store.open(folder, { readOnly: true });
      if ((await store.bounds("t")).nextOffset >= count) return store;
      await store.close();
    } catch (error) {
      if (!(error instanceof SeglogError) || error.code !== "not-found") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The log of topic "t" knows its end, and nothing is wrong with it. */
function checkClosedWell(folder: string): void {
  const manifest = readManifest(nodeDisk, `${folder}/t-0`);
  assert.notEqual(manifest?.clean, null, "it was not closed in good order");
  assert.equal(verify(folder).ok, true);
}
