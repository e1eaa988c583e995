/**
 * A line of the server's log for each request that was answered.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { wholeLength } from "./answers.ts";
import type { Visitor } from "./front_desk.ts";
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
  /** Who asked; nobody where they were not let in. */
  readonly visitor: Visitor | undefined;
  /** What it failed with. */
  readonly error: unknown;
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
    const { request, incoming, route, response, seconds, visitor, error, trace } = answered;
    const { method } = request;
    const { pathname } = new URL(request.url);
    this.#logger[this.#level](`${method} ${pathname}`, {
      event: "request",
      method,
      path: pathname,
      route,
      status: response.status,
      code: error === undefined ? undefined : toldError(error).code,
      ms: Math.round(seconds * 1e6) / 1000,
      bytes_in: bytesOf(request.headers.get("content-length")),
      bytes_out: wholeLength(response),
      tenant: visitor?.principal.tenant,
      principal: visitor?.principal.name,
      client: incoming?.socket.remoteAddress,
      ...trace,
    });
  }
}

function bytesOf(length: string | null): number | undefined {
  return length === null ? undefined : Number(length);
}
