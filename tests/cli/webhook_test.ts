import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Store, verifyWebhook } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

interface Post {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

interface Opened extends AsyncDisposable {
  readonly store: Store;
  /** Where the receiver is. */
  readonly url: string;
  run(...args: string[]): Promise<{ code: number; out: string; err: string }>;
  /** Resolves with the next post that came. */
  next(): Promise<Post>;
}

/** A server, and a receiver that takes everything. */
async function open(allow = ["127.0.0.0/8"]): Promise<Opened> {
  const posts: Post[] = [];
  let wake = () => {};
  const receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      posts.push({ headers: request.headers, body });
      response.writeHead(204).end();
      wake();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const store = await Store.memory();
  const server = await serve(store, { port: 0, webhookAllow: allow });
  return {
    store,
    url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
    run: (...args) => runMain(["webhook", ...args], { at: server.url }),
    async next() {
      while (posts.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      return posts.shift()!;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await store.close();
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    },
  };
}

test("add writes the secret alone, and what is posted is verified with it", async () => {
  await using opened = await open();
  const { store, url, run, next } = opened;
  await store.append("orders", [{ value: "hello" }]);
  const added = await run("add", "hook", "orders", url, "--from", "start", "--batch", "7");
  assert.equal(added.code, 0, added.err);
  assert.match(added.out, /^whsec_\S+\n$/);
  assert.match(added.err, /"hook" posts "orders" to http.*its secret is shown only now/);
  const post = await next();
  verifyWebhook(added.out.trim(), post);
  assert.equal(JSON.parse(post.body)[0].value, "hello");
  const changed = await run("add", "hook", "orders", url, "--batch", "8");
  assert.deepEqual([changed.code, changed.out], [0, ""]);
  const [shown] = (await run("ls", "-J")).out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([shown.version, shown.name, shown.batch, shown.state], [1, "hook", 8, "active"]);
});

test("webhooks are listed, shown, paused, resumed, tested and removed", async () => {
  await using opened = await open();
  const { store, url, run, next } = opened;
  assert.match((await run("ls")).err, /there are no webhooks/);
  await store.append("orders", [{ value: "a" }]);
  await run("add", "hook", "orders", url);
  assert.match(
    (await run("ls")).out,
    /^NAME\tTOPIC\tURL\tSTATE\tBEHIND\nhook\torders\t.*\tactive\t0/,
  );
  assert.match((await run("test", "hook")).err, /"hook" arrives: status 204 after \d+ ms/);
  assert.equal((await next()).body, "[]");
  assert.equal((await run("pause", "hook")).code, 0);
  await store.append("orders", [{ value: "b" }]);
  const { out } = await run("info", "hook");
  assert.match(out, /^state\tpaused \(asked\)$/m);
  assert.match(out, /^PARTITION\tNEXT\tBEHIND/m);
  assert.match(out, /^0\t1\t1\t0\t0\t/m);
  assert.match((await run("resume", "hook")).err, /resumed "hook" with 1 record to deliver/);
  assert.equal(JSON.parse((await next()).body)[0].value, "b");
  await run("resume", "hook", "--from", "start", "-p", "0");
  assert.equal(JSON.parse((await next()).body)[0].value, "a");
  assert.equal((await run("rm", "hook")).code, 2); // nobody to ask
  assert.equal((await run("rm", "hook", "-y")).code, 0);
  assert.equal((await run("info", "hook")).code, 3);
});

test("what cannot be done is said, with what to do instead", async () => {
  await using opened = await open([]);
  const { store, url, run } = opened;
  await store.append("orders", [{ value: "a" }]);
  const cases: [string[], number, RegExp][] = [
    [["add", "hook", "orders", url], 1, /without TLS: use https; serve --webhook-allow/],
    [["add", "hook", "orders", "https://169.254.169.254/"], 1, /its address is not public/],
    [["add", "hook", "orders", "ftp://a.example/"], 2, /ftp/],
    [["add", "ho ok", "orders", "https://8.8.8.8/"], 2, /Cannot call a webhook "ho ok"/],
    [["add", "hook", "nothing", "https://8.8.8.8/"], 3, /nothing/],
    [["pause", "hook"], 3, /seglog webhook ls lists them/],
  ];
  for (const [args, code, said] of cases) {
    const result = await run(...args);
    assert.equal(result.code, code, `${args}: ${result.err}`);
    assert.match(result.err, said);
  }
  await using dir = tempDir();
  const inFolder = await runMain(["webhook", "ls"], { at: dir.path });
  assert.equal(inFolder.code, 2);
  assert.match(inFolder.err, /webhooks are of a server, and .* is a folder: give --at URL/);
});
