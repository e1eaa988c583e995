/** Callers of gRPC over TLS: certificates that do not count, bad handshakes, pages of other sites. */
import assert from "node:assert/strict";
import { connect, type SecureClientSessionOptions } from "node:http2";
import { connect as connectPlain } from "node:net";
import { test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { callerRules } from "../../../server/access/callers.ts";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { TlsMaterial } from "../../../server/tls/tls_material.ts";
import { type CertFolder, certFolder, EXPIRED } from "../../support/certificates.ts";
import { allOf, openTlsServer, secureConnect } from "../tls/support.ts";
import { bytes, failsWith, type OpenGrpc, openGrpc, type OpenGrpcOptions } from "./support.ts";
import { atLast } from "../../support/until.ts";

const records = [{ value: bytes("a") }];
const METHOD = "/seglog.v1.LogService/GetServers";

interface OpenSecureGrpc extends OpenGrpc {
  readonly certs: CertFolder;
  readonly material: TlsMaterial;
}

/** A server with TLS that knows clients by their certificates. */
async function openSecureGrpc(options: OpenGrpcOptions = {}): Promise<OpenSecureGrpc> {
  const certs = await certFolder();
  const material = await TlsMaterial.load(certs.files);
  const opened = await openGrpc({ ...options, grpc: { ...options.grpc, tls: material } });
  return {
    ...opened,
    certs,
    material,
    async [Symbol.asyncDispose]() {
      material.close();
      await opened[Symbol.asyncDispose]();
      await certs[Symbol.asyncDispose]();
    },
  };
}

function clientOf({ port, sessions }: OpenGrpc, options: SecureClientSessionOptions) {
  const baseUrl = `https://localhost:${port}`; // as certificates say
  const sessionManager = sessions(options);
  return createClient(LogService, createGrpcTransport({ baseUrl, sessionManager }));
}

/** One request of HTTP/2, and the head of its answer. */
function ask(
  { port, certs }: OpenSecureGrpc,
  headers: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const session = connect(`https://localhost:${port}`, { ca: certs.ca });
    session.on("error", reject);
    const stream = session.request({ ":path": METHOD, ...headers });
    stream.on("error", reject);
    let head: Record<string, unknown> = {};
    stream.on("response", (given) => head = given);
    stream.resume();
    stream.on("close", () => {
      session.destroy(); // before the server ends it
      resolve(head);
    });
    stream.end(headers[":method"] === "POST" ? "{}" : undefined);
  });
}

test("a certificate that does not count is refused at every call", async () => {
  await using opened = await openSecureGrpc();
  const { certs, service } = opened;
  const { ca } = certs;
  const credentials = await service.services.desk.credentials;
  await credentials.make({ name: "ann", grants: "produce:orders", subject: "CN=ann" });
  const ann = clientOf(opened, { ca, ...await certs.client("ann") });
  await ann.produce({ topic: "orders", records });
  await failsWith(Code.PermissionDenied, () => ann.produce({ topic: "other", records }));
  const others: SecureClientSessionOptions[] = [
    { ca },
    { ca, ...await certs.client("bob") },
    { ca, ...await certs.client("ann", EXPIRED) },
  ];
  for (const other of others) {
    const client = clientOf(opened, other);
    await failsWith(Code.Unauthenticated, () => client.produce({ topic: "orders", records }));
  }
});

test("over the port of HTTP a client of Connect is known by its certificate", async () => {
  await using opened = await openTlsServer({ knowsClients: true });
  const { certs, store, port } = opened;
  const nodeOptions = { ca: certs.ca, ...await certs.client("ann") };
  const transport = createConnectTransport({
    baseUrl: `https://localhost:${port}`,
    httpVersion: "1.1",
    nodeOptions,
  });
  const client = createClient(LogService, transport);
  await client.produce({ topic: "orders", records });
  assert.equal((await store.bounds("orders")).nextOffset, 1);
});

test("TLS 1.2, handshakes that take too long, and plain HTTP/2 are refused", async () => {
  await using opened = await openSecureGrpc({ app: { limits: { handshakeMs: 100 } } });
  const { port, certs: { ca } } = opened;
  await assert.rejects(secureConnect(port, { ca, maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] }));
  const silent = connectPlain(port, "127.0.0.1");
  assert.equal(await allOf(silent), "");
  const plain = connectPlain(port, "127.0.0.1");
  plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await allOf(plain);
  // The time of a handshake is short here for others as well.
  await atLast(() => clientOf(opened, { ca }).getServers({}));
});

test("a page of another site is refused, one of an allowed origin gets its permissions", async () => {
  const origin = "https://app.example";
  await using opened = await openSecureGrpc({
    app: { callers: callerRules({ origins: [origin] }) },
  });
  const json = { ":method": "POST", "content-type": "application/json" };
  const evil = { origin: "https://evil.example" };
  assert.equal((await ask(opened, { ...json, ...evil }))[":status"], 403);
  assert.equal((await ask(opened, { ...json, "sec-fetch-site": "cross-site" }))[":status"], 403);
  const wanted = { ":method": "OPTIONS", "access-control-request-method": "POST" };
  const refused = await ask(opened, { ...wanted, ...evil });
  assert.equal(refused[":status"], 403);
  assert.equal(refused["access-control-allow-origin"], undefined);
  const allowed = await ask(opened, { ...wanted, origin });
  assert.equal(allowed[":status"], 204);
  assert.equal(allowed["access-control-allow-origin"], origin);
  const answered = await ask(opened, { ...json, origin });
  assert.equal(answered[":status"], 200);
  assert.equal(answered["access-control-allow-origin"], origin);
  const unknown = await ask(opened, { ...json, origin, ":path": "/nothing" });
  assert.deepEqual(
    [unknown[":status"], unknown["access-control-allow-origin"]],
    [404, origin],
  );
  assert.equal((await ask(opened, json))[":status"], 200, "what is no browser needs nothing");
});
