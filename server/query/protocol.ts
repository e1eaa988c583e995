/**
 * What goes between a server and the processes that run its queries: a request is one line of JSON,
 * and the answer is lines that begin with a letter.
 *
 * ```text
 * C["offset","key"]            the columns
 * R[41,"u1"]                   a row, as JSON
 * E{"rows":1,…}                the end: what came of it
 * M{"table":"orders"}          a table is needed that was not given
 * X{"kind":"wrong",…}          it failed
 * ```
 *
 * @module
 */
import { decodeUtf8 } from "../../core/base/bytes.ts";
import { sliceObject } from "../../core/format/json_slices.ts";
import { parametersJson, parseParameters } from "../../core/query/cells.ts";
import type { ReadRequest, ReadSummary } from "../../core/query/reader.ts";
import type { IndexWork } from "../../core/query/topic_view.ts";

/** What a line of an answer says. */
export const TAG = {
  columns: "C".charCodeAt(0),
  row: "R".charCodeAt(0),
  end: "E".charCodeAt(0),
  missing: "M".charCodeAt(0),
  failure: "X".charCodeAt(0),
} as const;

/** What came of a query, and of the process that ran it. */
export interface AnswerEnd extends ReadSummary {
  /** Time of the processor that the process has taken until now, in milliseconds. */
  readonly cpuMs: number;
  /** Memory that it has. */
  readonly memoryBytes: number;
}

/** Why a query failed. */
export interface AnswerFailure {
  /**
   * `wrong`: the statement is; `denied`: it does more than read; `large`: it takes too much; `stale`:
   * a file is not there; `damaged`: a file is; `failed`: anything else.
   */
  readonly kind: "wrong" | "denied" | "large" | "stale" | "damaged" | "failed";
  readonly message: string;
}

/** What a process is asked: to run a query, or to make the indexes of a view. */
export type WorkerRequest =
  | { readonly read: ReadRequest; readonly index?: undefined }
  | { readonly index: IndexWork; readonly read?: undefined };

/** A request as a line. */
export function requestLine({ index, read }: WorkerRequest): string {
  if (index !== undefined) return `${JSON.stringify({ index })}\n`;
  const { parameters, ...rest } = read;
  return `{"parameters":${parametersJson(parameters)},"read":${JSON.stringify(rest)}}\n`;
}

/** A request from its line. */
export function parseRequestLine(line: string): WorkerRequest {
  const request = JSON.parse(line) as WorkerRequest;
  if (request.index !== undefined) return request;
  const parameters = parseParameters(sliceObject(line).get("parameters")!);
  return { read: { ...request.read, parameters } };
}

/** What a line says behind its letter, parsed. */
export function contentOf<Content>(line: Uint8Array): Content {
  return JSON.parse(decodeUtf8(line.subarray(1))) as Content;
}
