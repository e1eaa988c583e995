/** What tests of gRPC ask again and again. */
import assert from "node:assert/strict";
import type { SecureClientSessionOptions } from "node:http2";
import { fileURLToPath } from "node:url";
import type { DescService } from "@bufbuild/protobuf";
import {
  type Client,
  Code,
  ConnectError,
  createClient,
  type Interceptor,
} from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { type Backend, Store, type StoreOptions } from "../../../mod.ts";
import { createService, type Service } from "../../../server/app.ts";
import type { AppOptions } from "../../../server/open_services.ts";
import type { Services } from "../../../server/exchange.ts";
import {
  type Problem,
  ProblemSchema,
} from "../../../server/grpc/generated/seglog/v1/problem_pb.js";
import { type GrpcOptions, listenGrpc, type RunningGrpc } from "../../../server/grpc/listen.ts";

/** A gRPC server over an empty store in memory, on a free port. */
export interface OpenGrpc extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly store: Store;
  readonly service: Service;
  readonly server: RunningGrpc;
  readonly stopping: AbortController;
  /** What the server's own log says. */
  readonly notices: string[];
  /** Connections of Connect's own clients, which end before the server does. */
  sessions(options?: SecureClientSessionOptions): Http2SessionManager;
  /** A client of Connect that speaks gRPC over such a connection. */
  client<Desc extends DescService>(service: Desc, headers?: HeadersInit): Client<Desc>;
}

export interface OpenGrpcOptions {
  readonly app?: AppOptions;
  readonly grpc?: GrpcOptions;
  readonly store?: StoreOptions;
  /** What is served instead of the store. */
  readonly backendOf?: (store: Store) => Backend;
  /** What the server works with instead of its own. */
  readonly servicesOf?: (services: Services) => Services;
}

export async function openGrpc(options: OpenGrpcOptions = {}): Promise<OpenGrpc> {
  const store = await Store.memory(options.store);
  const stopping = new AbortController();
  const notices: string[] = [];
  const backend = options.backendOf?.(store) ?? store;
  const service = createService(backend, {
    onNotice: (notice) => notices.push(notice),
    ...options.app,
    stopping: stopping.signal,
  });
  const services = options.servicesOf?.(service.services) ?? service.services;
  const server = await listenGrpc(services, { port: 0, ...options.grpc });
  const ends: (() => void)[] = [];
  const sessions = (options?: SecureClientSessionOptions) => {
    const url = server.url.replace("https://127.0.0.1", "https://localhost"); // as certificates say
    const manager = new Http2SessionManager(url, undefined, options);
    ends.push(() => manager.abort());
    return manager;
  };
  return {
    sessions,
    port: server.port,
    url: server.url,
    store,
    service,
    server,
    stopping,
    notices,
    client: (desc, headers) =>
      createClient(
        desc,
        createGrpcTransport({
          baseUrl: server.url,
          sessionManager: sessions(),
          interceptors: [withHeaders(headers)],
        }),
      ),
    async [Symbol.asyncDispose]() {
      // On Deno, a client that ends its connection when the server does can end the process.
      for (const end of ends) end();
      stopping.abort();
      await server.close();
      await service.close();
      await store.close();
    },
  };
}

/** Sends headers with each call. */
export function withHeaders(headers: HeadersInit = {}): Interceptor {
  return (next) => (request) => {
    for (const [name, value] of new Headers(headers)) request.header.set(name, value);
    return next(request);
  };
}

const PROTO = fileURLToPath(new URL("../../../proto", import.meta.url));

/** Services as grpc-js has them, which is a client that shares no code with the server. */
const loaded = grpc.loadPackageDefinition(loadSync([
  "seglog/v1/log_service.proto",
  "seglog/v1/ingestion_service.proto",
  "seglog/v1/kv_service.proto",
  "seglog/v1/problem.proto",
  "grpc/health/v1/health.proto",
  "grpc/reflection/v1/reflection.proto",
  "grpc/reflection/v1alpha/reflection.proto",
], { includeDirs: [PROTO], longs: Number, defaults: true, oneofs: true }));

// deno-lint-ignore no-explicit-any -- grpc-js makes its clients when it has read the definitions
export type Loose = any;

/** A client of grpc-js: `log`, with methods as in the definitions. */
export interface GrpcJs extends Disposable {
  /** Calls a method that answers once. */
  call(method: string, request: unknown, options?: Loose): Promise<Loose>;
  /** Opens a stream. */
  open(method: string, ...given: unknown[]): Loose;
}

export function grpcJs(
  port: number,
  service: string,
  metadata: Readonly<Record<string, string>> = {},
): GrpcJs {
  let made: Loose = loaded;
  for (const name of service.split(".")) made = made[name];
  const client = new made(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const sent = new grpc.Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.set(name, value);
  return {
    call: (method, request, options = {}) =>
      new Promise((resolve, reject) => {
        client[method](request, sent, options, (error: unknown, answer: unknown) => {
          if (error === null || error === undefined) resolve(answer);
          else reject(error);
        });
      }),
    open: (method, ...given) => client[method](...given),
    [Symbol.dispose]: () => client.close(),
  };
}

/** All messages of a stream of grpc-js. */
export async function all(stream: AsyncIterable<Loose>): Promise<Loose[]> {
  const messages: Loose[] = [];
  for await (const message of stream) messages.push(message);
  return messages;
}

/** Expects a call of a Connect client to fail with this status; returns its problem, if it has one. */
export async function failsWith(
  code: Code,
  call: () => Promise<unknown>,
): Promise<{ message: string; problem: Problem | undefined; error: ConnectError }> {
  try {
    await call();
  } catch (error) {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(Code[error.code], Code[code], error.message);
    return { message: error.rawMessage, problem: error.findDetails(ProblemSchema)[0], error };
  }
  return assert.fail(`no status ${Code[code]}`);
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Text of bytes. */
export function text(content: Uint8Array | undefined): string {
  return new TextDecoder().decode(content);
}
