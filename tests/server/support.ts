/** What tests of the server ask again and again. */
import assert from "node:assert/strict";
import type { Hono } from "hono";
import { type Backend, Store, type StoreOptions } from "../../mod.ts";
import { createApp } from "../../server/app.ts";
import type { AppOptions } from "../../server/open_services.ts";
import { type RunningServer, serve, type ServeOptions } from "../../server/listen.ts";

/** An app over an empty store in memory. */
export interface OpenApp extends AsyncDisposable {
  readonly app: Hono;
  readonly store: Store;
}

export async function openApp(
  options: AppOptions & { readonly store?: StoreOptions } = {},
): Promise<OpenApp> {
  const store = await Store.memory(options.store);
  return {
    store,
    app: createApp(store, options),
    [Symbol.asyncDispose]: () => store.close(),
  };
}

/** A server over an empty store in memory, on a free port. */
export interface OpenServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  readonly server: RunningServer;
}

export async function openServer(
  options: ServeOptions & { readonly store?: StoreOptions } = {},
): Promise<OpenServer> {
  const store = await Store.memory(options.store);
  const server = await serve(store, { port: 0, ...options });
  return {
    url: server.url,
    port: server.port,
    store,
    server,
    async [Symbol.asyncDispose]() {
      await server.close();
      await store.close();
    },
  };
}

/** A request with a JSON body. */
export function jsonRequest(method: string, body: unknown): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method, headers: { "content-type": "application/json" }, body: text };
}

/** A POST of some bytes or text. */
export function post(
  type: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body: body as string | Uint8Array<ArrayBuffer>,
  };
}

/** Problem details, with what every one of them has. */
export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly [name: string]: unknown;
}

/** Expects problem details with this status and code, and returns them. */
export async function problemOf(
  response: Response,
  status: number,
  code: string,
): Promise<Problem> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = JSON.parse(text);
  assert.equal(problem.code, code, text);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:seglog:error:${code}`);
  assert.equal(typeof problem.retryable, "boolean");
  assert.ok(problem.title.length > 0 && problem.detail.length > 0);
  assert.ok(!/\n\s+at /.test(text), "no stack");
  return problem;
}

/** Expects this status, and returns the JSON. */
export async function jsonOf<Shape = Record<string, unknown>>(
  response: Response,
  status = 200,
): Promise<Shape> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/json");
  return JSON.parse(text);
}

/** The shape of a page of records. */
export interface Page {
  readonly records: { readonly offset: number; readonly value: unknown; readonly key?: string }[];
  readonly next: number;
  readonly logStartOffset: number;
  readonly durableOffset: number;
  readonly nextOffset: number;
}

/** Whether the metrics of a server have this in them. */
export async function hasMetric(url: string, line: string): Promise<boolean> {
  return (await (await fetch(`${url}/metrics`)).text()).includes(line);
}

/** A backend that is another one but for some methods. */
export function overriding(backend: Backend, methods: Partial<Backend>): Backend {
  return new Proxy(backend, {
    get(target, name) {
      const own = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const inherited = Reflect.get(target, name, target);
      return typeof inherited === "function" ? inherited.bind(target) : inherited;
    },
  });
}
