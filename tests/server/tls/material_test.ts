/** Certificates in files: what is refused, and what becomes of new ones. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { test } from "node:test";
import { TlsMaterial } from "../../../server/tls/tls_material.ts";
import { certFolder, EXPIRED, LOCAL } from "../../support/certificates.ts";
import { rejectsWith } from "../../support/collect.ts";
import { FakeClock } from "../../support/fake_clock.ts";

test("what is no certificate, no key, or not its key, is refused by the name of its file", async () => {
  await using certs = await certFolder();
  const { files } = certs;
  const other = await certs.issue(LOCAL);
  const bad: [Partial<typeof files>, RegExp][] = [
    [{ cert: certs.file("none.crt") }, /none\.crt/],
    [{ cert: files.key }, /server\.key.*no certificate/],
    [{ key: files.cert }, /server\.crt.*no private key/],
    [{ key: certs.write("other.key", other.key) }, /other\.key.*not the key/],
    [{ key: certs.write("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----") }, /encrypted/],
    [{ clientCa: certs.write("empty.crt", "") }, /empty\.crt/],
    [
      { clientCa: certs.write("bad.crt", certs.ca.replace(/\n.{30}/, "\nAAAA")) },
      /bad\.crt.*damaged/,
    ],
    [{ cert: certs.write("large.crt", "x".repeat(2_000_000)) }, /large\.crt.*larger/],
  ];
  for (const [changes, message] of bad) {
    const error = await rejectsWith(
      "invalid-argument",
      () => TlsMaterial.load({ ...files, ...changes }),
    );
    assert.match(error.message, message);
  }
});

test("a broken new pair is told of once, and the one before stays until it is whole", async () => {
  await using certs = await certFolder();
  const notices: string[] = [];
  const material = await TlsMaterial.load(certs.files, { onNotice: (text) => notices.push(text) });
  const before = material.context();
  const taken: string[] = [];
  material.follow(({ cert }) => taken.push(cert));
  const next = await certs.issue(LOCAL);
  certs.write("server.crt", next.cert);
  await material.reload();
  await material.reload();
  assert.deepEqual(material.context(), before);
  assert.equal(notices.length, 1);
  assert.match(notices[0]!, /not the key.*stay in use/);
  certs.write("server.key", next.key);
  await material.reload();
  assert.deepEqual(taken, [next.cert]);
  assert.equal(material.context().key, next.key);
  fs.rmSync(certs.files.cert);
  await material.reload();
  assert.equal(material.context().cert, next.cert);
  assert.match(notices.at(-1)!, /server\.crt/);
  material.close();
});

test("files that stay as they are change nothing, and nobody looks any more after the end", async () => {
  await using certs = await certFolder();
  const clock = new FakeClock(Date.now());
  const material = await TlsMaterial.load(certs.files, { clock });
  let changes = 0;
  const undo = material.follow(() => changes++);
  await material.reload();
  assert.equal(changes, 0);
  undo();
  assert.equal(clock.waiting, 1);
  material.close();
  assert.equal(clock.waiting, 0);
});

test("a certificate that soon expires, and then has, is told of once each", async () => {
  await using certs = await certFolder();
  const notices: string[] = [];
  const clock = new FakeClock(Date.now());
  const onNotice = (text: string) => notices.push(text);
  const material = await TlsMaterial.load(certs.files, { clock, onNotice });
  const heardAfter = async (days: number) => {
    clock.advance(days * 24 * 3600 * 1000);
    await material.reload();
    await material.reload();
    return notices.splice(0).join();
  };
  assert.equal(await heardAfter(1), "");
  assert.match(await heardAfter(20), /^the certificate in \S+ expires on [^,]*$/);
  assert.equal(await heardAfter(1), "");
  assert.match(await heardAfter(20), /^the certificate in \S+ expired on [^,]*$/);
  material.close();
  await certs.writeServer(await certs.issue(LOCAL, EXPIRED));
  (await TlsMaterial.load(certs.files, { onNotice })).close();
  assert.match(notices.join(), /expired on/);
});
