/** `tls://`: which servers are trusted, and who is let in. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, type ConnectOptions } from "../../mod.ts";
import { runMain } from "../cli/fake_io.ts";
import { type CertFolder, certFolder, EXPIRED, LOCAL } from "../support/certificates.ts";
import { type NatsServer, startNats } from "../support/nats.ts";
import { withNats } from "./support.ts";

/** A server with a certificate of the folder, and what else is said of TLS. */
function startWithTls({ files }: CertFolder, more = ""): Promise<NatsServer> {
  return startNats({
    config: `tls { cert_file: "${files.cert}", key_file: "${files.key}", ${more} }`,
  });
}

/** The same, which asks for certificates of the authority. */
function startAsking(folder: CertFolder): Promise<NatsServer> {
  return startWithTls(folder, `ca_file: "${folder.files.clientCa}", verify: true`);
}

const tlsUrl = ({ url }: NatsServer) => url.replace("nats:", "tls:");

async function useIt(url: string, options: ConnectOptions): Promise<void> {
  await using cluster = await connect(url, options);
  const { start } = await cluster.append("orders", [{ value: "a" }]);
  assert.equal((await cluster.read("orders", start)).text, "a");
}

async function isRefused(
  url: string,
  options: ConnectOptions,
  { code, says }: { readonly code: string; readonly says: RegExp },
): Promise<void> {
  await assert.rejects(connect(url, options), { code, message: says });
}

const DISTRUSTED = {
  code: "unauthenticated",
  says: /the certificate there does not count: .*; give its authority \(ca, --ca-file\)/,
};
const UNPROVEN = {
  code: "unauthenticated",
  says: /the servers want a certificate, and none that was shown counts/,
};

describe("a cluster with TLS", () => {
  test("is used by who trusts its authority, and by nobody else", withNats, async () => {
    await using folder = await certFolder();
    await using others = await certFolder();
    await using server = await startWithTls(folder);
    await useIt(tlsUrl(server), { tls: { ca: folder.ca } });
    await isRefused(tlsUrl(server), { tls: { ca: others.ca } }, DISTRUSTED);
    await isRefused(tlsUrl(server), {}, DISTRUSTED);
    await isRefused(server.url, {}, DISTRUSTED);
    await isRefused(server.url, { tls: { ca: folder.ca } }, {
      code: "invalid-argument",
      says: /certificates with a nats:\/\/ URL: they are for tls:\/\//,
    });
  });

  test("is not trusted with a certificate for another host, or an old one", withNats, async () => {
    await using folder = await certFolder();
    const other = await folder.issue({ kind: "server", hosts: ["other.example"] });
    for (const pair of [other, await folder.issue(LOCAL, EXPIRED)]) {
      await folder.writeServer(pair);
      await using server = await startWithTls(folder);
      await isRefused(tlsUrl(server), { tls: { ca: folder.ca } }, DISTRUSTED);
    }
  });

  test("lets in who shows a certificate, where it asks for one", withNats, async () => {
    await using folder = await certFolder();
    await using others = await certFolder();
    await using server = await startAsking(folder);
    const { ca } = folder;
    await useIt(tlsUrl(server), { tls: { ca, ...await folder.client("ann") } });
    const foreign = await others.client("ann");
    await Promise.all([{}, foreign].map(async (shown) => {
      await isRefused(tlsUrl(server), { tls: { ca, ...shown } }, UNPROVEN);
    }));
  });

  test("is connected to again, when it was away", withNats, async () => {
    await using folder = await certFolder();
    await using server = await startAsking(folder);
    const tls = { ca: folder.ca, ...await folder.client("ann") };
    await using cluster = await connect(tlsUrl(server), { tls });
    await cluster.append("orders", [{ value: "a" }]);
    await server.restart();
    assert.equal((await cluster.append("orders", [{ value: "b" }])).start, 1);
  });

  test("is what tls:// means: one without is not used", withNats, async () => {
    await using folder = await certFolder();
    await using server = await startNats();
    await isRefused(tlsUrl(server), { tls: { ca: folder.ca } }, {
      code: "unavailable",
      says: /server does not support 'tls'/,
    });
  });

  test("takes certificates by flags and by variables", withNats, async () => {
    await using folder = await certFolder();
    await using server = await startAsking(folder);
    const { cert, key } = await folder.client("ann");
    const [ca, certFile, keyFile] = [
      folder.files.clientCa,
      folder.write("ann.crt", cert),
      folder.write("ann.key", key),
    ];
    const at = tlsUrl(server);
    const flags = ["--ca-file", ca, "--cert-file", certFile, "--key-file", keyFile];
    assert.equal((await runMain(["append", "orders", "a", ...flags], { at })).out, "0\n");
    const env = { SEGLOG_CA_FILE: ca, SEGLOG_CERT_FILE: certFile, SEGLOG_KEY_FILE: keyFile };
    assert.equal((await runMain(["read", "orders"], { at, env })).out, "a\n");
  });
});
