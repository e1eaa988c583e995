/** gRPC over TLS: who the server is, who the client is, and new certificates while it runs. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { Authority } from "../../../cli/cert/certificates.ts";
import { LogService } from "../../../server/grpc/generated/seglog/v1/log_service_pb.js";
import { Health } from "../../../server/grpc/generated/grpc/health/v1/health_pb.js";
import type { ServerLimits } from "../../../server/limits.ts";
import { TlsMaterial } from "../../../server/tls/tls_material.ts";
import { certFolder, VALID } from "../../support/certificates.ts";
import { bytes, failsWith, openGrpc } from "./support.ts";

/** A server with certificates, and an operator where clients are to be known. */
async function openTls(
  { knowsClients = false, limits = {} }: {
    knowsClients?: boolean;
    limits?: Partial<ServerLimits>;
  } = {},
) {
  const certs = await certFolder();
  const { clientCa, ...files } = certs.files;
  const material = await TlsMaterial.load(knowsClients ? { ...files, clientCa } : files);
  const opened = await openGrpc({ app: { limits }, grpc: { tls: material } });
  const baseUrl = `https://localhost:${opened.port}`;
  return {
    ...opened,
    certs,
    material,
    transport: (shown: object = {}) =>
      createGrpcTransport({
        baseUrl,
        sessionManager: opened.sessions({ ca: certs.ca, ...shown }),
      }),
    async [Symbol.asyncDispose]() {
      material.close();
      await opened[Symbol.asyncDispose]();
      await certs[Symbol.asyncDispose]();
    },
  };
}

test("gRPC speaks TLS where there are certificates, and nothing else", async () => {
  await using opened = await openTls();
  assert.match(opened.url, /^https:/);
  const health = createClient(Health, opened.transport());
  assert.equal((await health.check({})).status, 1);
  const plain = connectTcp(opened.port, "127.0.0.1");
  plain.on("error", () => {});
  plain.on("data", () => {});
  const ended = new Promise((resolve) => plain.once("close", resolve));
  plain.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  await ended;
  assert.equal((await health.check({})).status, 1);
});

test("grpc-js trusts the server by its certificate", async () => {
  await using opened = await openTls();
  const credentials = grpc.credentials.createSsl(Buffer.from(opened.certs.ca));
  const client = new grpc.Client(`localhost:${opened.port}`, credentials);
  const answer = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (value: Buffer) => value,
      (value: Buffer) => value,
      Buffer.alloc(0),
      (error, value) => error === null ? resolve(value!) : reject(error),
    );
  });
  client.close();
  assert.deepEqual([...answer], [8, 1]);
});

test("a client is known by its certificate", async () => {
  await using opened = await openTls({ knowsClients: true });
  const { certs, service } = opened;
  const [writer, reader] = [await certs.client("writer"), await certs.client("reader")];
  const make = (given: object, headers = {}) =>
    service.app.request("/v1/tokens", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(given),
    });
  const { token } = await (await make({ name: "operator", grants: "admin" })).json();
  const operator = { authorization: `Bearer ${token}` };
  await make({ name: "writer", grants: "produce:t", subject: "CN=writer" }, operator);
  await make({ name: "reader", grants: "consume:t", subject: "CN=reader" }, operator);
  const as = (shown: object) => createClient(LogService, opened.transport(shown));
  const records = [{ value: bytes("x") }];
  await failsWith(Code.Unauthenticated, () => as({}).produce({ topic: "t", records }));
  await as(writer).produce({ topic: "t", records });
  assert.equal((await as(reader).consume({ topic: "t" })).records.length, 1);
  await failsWith(Code.PermissionDenied, () => as(reader).produce({ topic: "t", records }));
  const stranger = await Authority.create(VALID);
  const other = await stranger.issue({ kind: "client", name: "reader" }, VALID);
  await failsWith(Code.Unauthenticated, () => as(other).consume({ topic: "t" }));
});

/** Clients that connect, and say nothing. */
function connectSilently(port: number, count: number) {
  return Array.from({ length: count }, () => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("data", () => {});
    return {
      begun: new Promise((resolve) => socket.once("connect", resolve)),
      ended: new Promise((resolve) => socket.once("close", resolve)),
    };
  });
}

test("handshakes that take for ever keep nobody out", async () => {
  await using opened = await openTls({ limits: { connectionsMax: 3, handshakeMs: 600_000 } });
  const silent = connectSilently(opened.port, 3);
  await Promise.all(silent.map(({ begun }) => begun));
  assert.equal((await createClient(Health, opened.transport()).check({})).status, 1);
  await Promise.race(silent.map(({ ended }) => ended));
});

test("handshakes that take for ever end", async () => {
  await using opened = await openTls({ limits: { handshakeMs: 100 } });
  await Promise.all(connectSilently(opened.port, 3).map(({ ended }) => ended));
});

test("new certificates are taken while it runs", async () => {
  await using opened = await openTls();
  const { certs, material, port } = opened;
  const serialNow = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", servername: "localhost", port, ca: certs.ca });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
    });
  const before = await serialNow();
  await certs.writeServer();
  await material.reload();
  assert.notEqual(await serialNow(), before);
});
