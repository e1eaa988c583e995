/** What tests of keys and values over HTTP ask again and again. */
import assert from "node:assert/strict";
import type { Hono } from "hono";
import { jsonOf } from "./support.ts";

/** A request to a path below `/v1/kv/`. */
export function kv(app: Hono, path: string, init?: RequestInit): Promise<Response> {
  return Promise.resolve(app.request(`/v1/kv/${path}`, init));
}

/** A PUT of text, or of what the type says. */
export function put(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  type = "text/plain",
): RequestInit {
  return {
    method: "PUT",
    headers: { "content-type": type, ...headers },
    body: body as string | Uint8Array<ArrayBuffer>,
  };
}

/** Sets keys to texts, and gives their revisions. */
export async function setAll(
  app: Hono,
  bucket: string,
  values: Readonly<Record<string, string>>,
): Promise<number[]> {
  const revisions: number[] = [];
  for (const [key, value] of Object.entries(values)) {
    const response = await kv(app, `${bucket}/${encodeURIComponent(key)}`, put(value));
    const text = await response.text();
    assert.ok(response.ok, text);
    revisions.push(JSON.parse(text).revision);
  }
  return revisions;
}

/** The shape of a page of keys. */
export interface KeyPage {
  readonly bucket: string;
  readonly revision: number;
  readonly entries: {
    readonly key: string;
    readonly revision: number;
    readonly type?: string;
    readonly value?: unknown;
    readonly timestamp?: string;
  }[];
  readonly next: string | null;
}

/** The keys of a page. */
export async function keysIn(app: Hono, path: string): Promise<string[]> {
  const page = await jsonOf<KeyPage>(await kv(app, path));
  return page.entries.map(({ key }) => key);
}
