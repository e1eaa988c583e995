/** Topics with schemas. */
import assert from "node:assert/strict";
import type { Hono } from "hono";
import { jsonOf, jsonRequest } from "../support.ts";

/** What orders are. */
export const ORDER = {
  type: "object",
  required: ["qty"],
  properties: { qty: { type: "integer", minimum: 1 }, note: { type: "string" } },
};

/** Registers a schema over HTTP. */
export async function addSchema(
  app: Hono,
  topic: string,
  given: { readonly schema: unknown; readonly compatibility?: string },
): Promise<number> {
  const path = `/v1/schemas/${encodeURIComponent(topic)}`;
  const response = await app.request(path, jsonRequest("POST", given));
  assert.ok(response.status === 200 || response.status === 201, await response.clone().text());
  return (await jsonOf<{ version: number }>(response, response.status)).version;
}
