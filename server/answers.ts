/**
 * The bodies and headers that several routes share.
 *
 * @module
 */
import type { Bounds } from "../core/backend.ts";
import { utf8Length } from "../core/base/bytes.ts";
import { JSON_TYPE } from "./media_types.ts";

const LENGTH = Symbol("length of the body");

/** A response that may know how long its body is. */
type WholeResponse = Response & { [LENGTH]?: number };

/** What differs from a plain 200. */
export interface AnswerOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a browser makes of a body is what its type says, and nothing that it looks like. */
export const AS_TYPED = { "x-content-type-options": "nosniff" } as const;

/**
 * A whole body as an answer, with its length: not every runtime tells that by itself, and a client
 * that knows it can take the body in one go, and see when it was cut off.
 */
export function wholeAnswer(
  type: string,
  body: string | Uint8Array,
  { status = 200, headers }: AnswerOptions = {},
): Response {
  const length = typeof body === "string" ? utf8Length(body) : body.length;
  const response: WholeResponse = new Response(body as string | Uint8Array<ArrayBuffer>, {
    status,
    headers: { "content-type": type, "content-length": String(length), ...AS_TYPED, ...headers },
  });
  response[LENGTH] = length; // to read it from the headers again costs more than all of this
  return response;
}

/** Bytes of the body of a {@linkcode wholeAnswer}; `undefined` of any other. */
export function wholeLength(response: WholeResponse): number | undefined {
  return response[LENGTH];
}

/** JSON text as an answer. */
export function jsonText(body: string, options?: AnswerOptions): Response {
  return wholeAnswer(JSON_TYPE, body, options);
}

/** A value as a JSON answer. */
export function jsonAnswer(value: unknown, options?: AnswerOptions): Response {
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
