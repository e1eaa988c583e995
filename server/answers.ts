/**
 * The bodies and headers that several routes share.
 *
 * @module
 */
import type { Bounds } from "../core/backend.ts";
import { JSON_TYPE } from "./media_types.ts";

/** JSON text as an answer. */
export function jsonText(
  body: string,
  options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  const headers = { "content-type": JSON_TYPE, ...options.headers };
  return new Response(body, { status: options.status ?? 200, headers });
}

/** A value as a JSON answer. */
export function jsonAnswer(
  value: unknown,
  options: { status?: number; headers?: Readonly<Record<string, string>> } = {},
): Response {
  return jsonText(JSON.stringify(value), options);
}

/** Where a partition starts and ends, and from where reading goes on. */
export function boundsHeaders(bounds: Bounds, next: number | undefined): Record<string, string> {
  const headers: Record<string, string> = {
    "seglog-log-start-offset": String(bounds.logStartOffset),
    "seglog-durable-offset": String(bounds.durableOffset),
    "seglog-next-offset": String(bounds.nextOffset),
  };
  if (next !== undefined) headers["seglog-next"] = String(next);
  return headers;
}
