/**
 * A line of the server's log for each request that was answered.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { wholeLength } from "./answers.ts";
import type { Principal } from "./access/principal.ts";
import type { LogFields, Logger, LogLevel } from "./logger.ts";
import { toldError } from "./problem.ts";

/** A request that was answered. */
export interface AnsweredRequest {
  readonly request: Request;
  readonly incoming: IncomingMessage | undefined;
  /** The route's template. */
  readonly route: string;
  readonly response: Response;
  readonly seconds: number;
  readonly principal: Principal;
  /** What it failed with. */
  readonly failure: unknown;
  /** Its trace, where it is part of one. */
  readonly trace: LogFields | undefined;
}

/** A call over gRPC that ended. */
export interface EndedCall {
  /** Its service and its method. */
  readonly method: string;
  /** Its status by name. */
  readonly code: string;
  readonly seconds: number;
  readonly principal: Principal;
  /** Its trace, where it is part of one. */
  readonly trace: LogFields | undefined;
}

/** Logs requests, where the log is to have them. */
export class RequestLog {
  readonly #logger: Logger;
  readonly #level: LogLevel;

  /** @param level what a request is to the log */
  constructor(logger: Logger, level: LogLevel) {
    this.#logger = logger;
    this.#level = level;
  }

  /** Logs one. Its query is left out, and so are its headers: they say what nobody else should know. */
  answered(answered: AnsweredRequest): void {
    if (!this.#logger.isOn(this.#level)) return;
    const { request, incoming, route, response, seconds, principal, failure, trace } = answered;
    const { method } = request;
    const { pathname } = new URL(request.url);
    this.#logger[this.#level](`${method} ${pathname}: ${response.status}`, {
      event: "request",
      method,
      path: pathname,
      route,
      status: response.status,
      code: failure === undefined ? undefined : toldError(failure).code,
      ms: msOf(seconds),
      bytes_in: bytesOf(request.headers.get("content-length")),
      bytes_out: wholeLength(response),
      tenant: principal.tenant,
      principal: principal.name,
      client: incoming?.socket.remoteAddress,
      ...trace,
    });
  }

  /** Logs a call. */
  called({ method, code, seconds, principal, trace }: EndedCall): void {
    if (!this.#logger.isOn(this.#level)) return;
    this.#logger[this.#level](`${method}: ${code}`, {
      event: "call",
      method,
      code,
      ms: msOf(seconds),
      tenant: principal.tenant,
      principal: principal.name,
      ...trace,
    });
  }
}

function msOf(seconds: number): number {
  return Math.round(seconds * 1e6) / 1000;
}

function bytesOf(length: string | null): number | undefined {
  return length === null ? undefined : Number(length);
}
