import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { tempDir } from "../support/temp_dir.ts";
import { type FakeOptions, runMain } from "./fake_io.ts";

const TOKEN = /^seglog_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$/;

/** Runs commands on a folder, and on a server before such a folder. */
const PLACES: Record<string, (use: (run: Run) => Promise<void>) => Promise<void>> = {
  "in a folder": async (use) => {
    await using dir = tempDir();
    await use((args, options = {}) => runMain(args, { at: dir.path, ...options }));
  },
  "on a server": async (use) => {
    await using store = await Store.memory();
    await using server = await serve(store, { port: 0 });
    await use((args, options = {}) => runMain(args, { at: server.url, ...options }));
  },
};

type Run = (
  args: string[],
  options?: Omit<FakeOptions, "at">,
) => Promise<{ code: number; out: string; err: string }>;

for (const [place, using] of Object.entries(PLACES)) {
  describe(`credentials and tenants ${place}`, () => {
    test("a first token is written alone on standard output, and closes the door", () =>
      using(async (run) => {
        await run(["topic", "create", "orders"]);
        assert.match((await run(["token", "ls"])).err, /trusts whoever reaches it/);
        const made = await run(["token", "create", "ops", "--grant", "admin", "--expires", "90d"]);
        assert.equal(made.code, 0, made.err);
        assert.match(made.out, TOKEN);
        assert.match(made.err, /"ops" may admin until 20.*shown only now/);
        assert.match(made.err, /lets nobody in without credentials/);
      }));

    test("limits of a tenant are changed one by one, and taken away", () =>
      using(async (run) => {
        await run(["tenant", "limit", "acme", "--topics", "3", "--stored-bytes", "1GiB"]);
        const changed = await run(["tenant", "limit", "acme", "--topics", "none"]);
        assert.equal(changed.code, 0, changed.err);
        const { out } = await run(["tenant", "ls", "-J"]);
        const [acme] = out.trim().split("\n").map((line) => JSON.parse(line));
        assert.deepEqual([acme.version, acme.tenant, acme.quota], [
          1,
          "acme",
          { storedBytes: 2 ** 30 },
        ]);
        assert.equal((await run(["tenant", "limit", "acme"])).code, 2);
        assert.equal((await run(["tenant", "limit", "A/b", "--topics", "1"])).code, 2);
        assert.equal((await run(["tenant", "rm", "acme", "-y"])).code, 0);
        assert.equal((await run(["tenant", "rm", "default", "-y"])).code, 2);
        assert.doesNotMatch((await run(["tenant", "ls"])).out, /acme/);
      }));

    test("what is typed wrong is said, and does nothing", () =>
      using(async (run) => {
        await run(["topic", "create", "orders"]);
        const bare = await run(["token", "create", "ci"]);
        assert.equal(bare.code, 2);
        assert.match(bare.err, /say what it may do/);
        const strange = await run(["token", "create", "ci", "--grant", "reed:orders"]);
        assert.equal(strange.code, 2);
        assert.match(strange.err, /produce, consume, admin/);
        assert.equal((await run(["token", "revoke", "none"])).code, 3);
        assert.equal((await run(["token"])).code, 2);
        assert.match((await run(["token", "ls"])).err, /trusts whoever reaches it/);
      }));
  });
}

test("a folder lists its tokens, takes them back, and shows no topics of the server", async () => {
  await using dir = tempDir();
  const run: Run = (args, options = {}) => runMain(args, { at: dir.path, ...options });
  await run(["token", "create", "shop", "-g", "admin", "--tenant", "acme"]);
  const cert = await run(
    ["token", "create", "b", "-g", "consume:a", "-g", "produce:b", "--subject", "CN=b"],
  );
  assert.equal(cert.out, "");
  assert.match(cert.err, /CN=b may consume:a;produce:b/);
  const { out } = await run(["token", "ls"]);
  assert.match(out, /^NAME\tKIND\tTENANT\tGRANTS\tEXPIRES\tID\nb\tcertificate CN=b\tdefault\t/);
  assert.match(out, /\nshop\ttoken\tacme\tadmin\tnever\t[0-9a-f]{12}\n$/);
  assert.equal((await run(["topic", "ls"])).out, "");
  assert.equal((await run(["info"])).code, 0);
  for (const name of ["b", "shop"]) assert.equal((await run(["token", "revoke", name])).code, 0);
  assert.match((await run(["token", "ls"])).err, /lets nobody in; make one in the folder/);
});

test("who is not let in is told how to show a token", async () => {
  await using store = await Store.memory();
  await using server = await serve(store, { port: 0 });
  const run = (args: string[], env = {}) => runMain(args, { at: server.url, env });
  const { out: token } = await run(["token", "create", "ops", "--grant", "admin"]);
  for (const env of [{}, { SEGLOG_TOKEN: `${token.trim().slice(0, -1)}` }]) {
    const { code, err } = await run(["topic", "ls"], env);
    assert.equal(code, 1);
    assert.match(err, /--token-file FILE or SEGLOG_TOKEN\n$/);
  }
  assert.equal((await run(["topic", "ls"], { SEGLOG_TOKEN: token })).code, 0);
});
