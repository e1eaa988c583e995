/** `cert`, and what it makes. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

function run(folder: string, ...args: string[]) {
  return runMain(["cert", "--dir", folder, ...args], { at: "" });
}

function read(folder: string, name: string): X509Certificate {
  return new X509Certificate(fs.readFileSync(join(folder, name)));
}

test("an authority, a server and a client are made, with keys that nobody else can read", async () => {
  await using dir = tempDir();
  const folder = join(dir.path, "a", "certs");
  const { code, out } = await run(folder);
  assert.equal(code, 0);
  const made = ["ca.crt", "server.crt", "client.crt"];
  assert.equal(out, made.map((name) => `${join(folder, name)}\n`).join(""));
  assert.deepEqual(
    fs.readdirSync(folder).toSorted(),
    ["ca.crt", "ca.key", "client.crt", "client.key", "server.crt", "server.key"],
  );
  for (const name of process.platform === "win32" ? [] : ["ca.key", "server.key", "client.key"]) {
    assert.equal(fs.statSync(join(folder, name)).mode & 0o777, 0o600, name);
  }
  const ca = read(folder, "ca.crt");
  const server = read(folder, "server.crt");
  assert.ok(ca.ca && ca.verify(ca.publicKey));
  for (const name of ["localhost"]) assert.equal(server.checkHost(name), name);
  for (const address of ["127.0.0.1", "::1"]) assert.equal(server.checkIP(address), address);
  for (const name of made.slice(1)) {
    const issued = read(folder, name);
    assert.ok(issued.verify(ca.publicKey) && !issued.ca, name);
    const days = (Date.parse(issued.validTo) - Date.now()) / 86_400_000;
    assert.ok(days > 364 && days <= 365, `${days}`);
  }
});

test("what is there stays, and clients are added", async () => {
  await using dir = tempDir();
  const folder = dir.path;
  await run(folder, "--client", "ann");
  const before = ["ca.crt", "server.crt", "ann.crt"].map((name) =>
    read(folder, name).fingerprint256
  );
  const { code, err } = await run(
    folder,
    "--client",
    "ann",
    "--client",
    "bob",
    "--host",
    "b.example",
  );
  assert.equal(code, 0);
  assert.match(err, /kept .*ca\.crt/);
  assert.match(err, /kept .*server\.crt.*-y/);
  assert.match(err, /kept .*ann\.crt.*-y/);
  assert.match(err, /made .*bob\.crt: the client with subject CN=bob/);
  const after = ["ca.crt", "server.crt", "ann.crt"].map((name) =>
    read(folder, name).fingerprint256
  );
  assert.deepEqual(after, before);
  assert.ok(read(folder, "bob.crt").verify(read(folder, "ca.crt").publicKey));
});

test("-y makes anew what is named, and never the authority", async () => {
  await using dir = tempDir();
  const folder = dir.path;
  await run(folder, "--client", "ann");
  const print = (name: string) => read(folder, name).fingerprint256;
  const [ca, server, ann] = [print("ca.crt"), print("server.crt"), print("ann.crt")];
  assert.equal((await run(folder, "--host", "log.example", "-y", "--days", "3")).code, 0);
  assert.equal(read(folder, "server.crt").checkHost("log.example"), "log.example");
  assert.deepEqual([print("ca.crt"), print("ann.crt")], [ca, ann]);
  const renewed = print("server.crt");
  assert.notEqual(renewed, server);
  assert.equal((await run(folder, "--client", "ann", "-y")).code, 0);
  assert.deepEqual([print("ca.crt"), print("server.crt")], [ca, renewed]);
  assert.notEqual(print("ann.crt"), ann);
  assert.equal(fs.existsSync(join(folder, "client.crt")), false);
  assert.equal((await run(folder, "-y")).code, 2);
});

test("half of a pair, and an authority that is none, are refused, and nothing is overwritten", async () => {
  await using dir = tempDir();
  const folder = dir.path;
  await run(folder);
  fs.rmSync(join(folder, "server.key"));
  const half = await run(folder);
  assert.equal(half.code, 2);
  assert.match(half.err, /server\.crt: there is no .*server\.key/);
  fs.writeFileSync(join(folder, "ca.key"), "nonsense");
  const damaged = await run(folder);
  assert.equal(damaged.code, 2);
  assert.match(damaged.err, /authority/);
  assert.equal(fs.readFileSync(join(folder, "ca.key"), "utf8"), "nonsense");
});

test("what is no host, no name of a client, or no number of days is refused", async () => {
  await using dir = tempDir();
  const folder = join(dir.path, "certs");
  const bad = [
    ["--host", "a:80"],
    ["--host", "http://a"],
    ["--host", ""],
    ["--host", "a b"],
    ["--host", "1.2.3"],
    ["--client", "../ann"],
    ["--client", "ca"],
    ["--client", "server"],
    ["--client", ".ann"],
    ["--client", ""],
    ["--days", "0"],
  ];
  for (const args of bad) assert.equal((await run(folder, ...args)).code, 2, args.join(" "));
  assert.equal(fs.existsSync(folder), false);
  assert.equal((await run(folder, "--host", "*.log.example", "--host", "bücher.example")).code, 0);
  const { subjectAltName } = read(folder, "server.crt");
  assert.equal(subjectAltName, "DNS:*.log.example, DNS:xn--bcher-kva.example");
});
