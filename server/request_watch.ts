/**
 * One request as it is observed on its way: counted, traced, and logged.
 *
 * @module
 */
import type { Span } from "@opentelemetry/api";
import { idsOf } from "../tracing/spans.ts";
import { type Principal, STRANGER } from "./access/principal.ts";
import { wholeLength } from "./answers.ts";
import type { Asked } from "./asked.ts";
import { logFault } from "./fault.ts";
import { countedBody } from "./metrics/counted_body.ts";
import { isServerFault } from "./problem.ts";
import { inRequestSpan, noteAnswer, noteCaller } from "./tracing/request_span.ts";

/** The route that a request took. */
interface WatchedRoute {
  readonly method: string;
  readonly path: string;
}

/**
 * Answers a request that is watched.
 *
 * @param route one whose path is no path stands for all requests that no route takes
 * @param answer tells the watch how it goes
 */
export function watched(
  route: WatchedRoute,
  asked: Asked,
  answer: (watch: RequestWatch) => Promise<Response>,
): Promise<Response> {
  const template = route.path.startsWith("/") ? route.path : undefined;
  return inRequestSpan(
    { ...asked, route: template },
    (span) => answer(new RequestWatch(route, asked, span)),
  );
}

/** Notes what is told of one request. */
export class RequestWatch {
  readonly #route: WatchedRoute;
  readonly #asked: Asked;
  readonly #span: Span | undefined;
  readonly #startMs = performance.now();
  #principal: Principal = STRANGER;
  #failure: unknown;

  constructor(route: WatchedRoute, asked: Asked, span: Span | undefined) {
    this.#route = route;
    this.#asked = asked;
    this.#span = span;
    asked.services.metrics.underWay(1);
  }

  /** It is of somebody who was let in. */
  admitted(principal: Principal): void {
    this.#principal = principal;
    if (this.#span !== undefined) noteCaller(this.#span, principal);
  }

  /** It failed. What is the server's fault is told to its log. */
  failed(error: unknown): void {
    this.#failure = error;
    const { request, services } = this.#asked;
    services.metrics.failed("http", error);
    if (!isServerFault(error)) return;
    const what = `${request.method} ${this.#route.path}`;
    logFault(services.logger, error, { what, ...this.#trace });
  }

  /** It was answered. @returns the answer, of which the bytes are counted that are sent */
  answered(response: Response): Response {
    const { metrics, requestLog } = this.#asked.services;
    const seconds = (performance.now() - this.#startMs) / 1000;
    if (this.#span !== undefined) noteAnswer(this.#span, response.status, this.#failure);
    metrics.underWay(-1);
    metrics.answered(this.#route, response.status, seconds);
    requestLog.answered({
      ...this.#asked,
      route: this.#route.path,
      response,
      seconds,
      principal: this.#principal,
      failure: this.#failure,
      trace: this.#trace,
    });
    return this.#counted(response);
  }

  get #trace() {
    return this.#span === undefined ? undefined : idsOf(this.#span);
  }

  #counted(response: Response): Response {
    const { request, services: { metrics } } = this.#asked;
    if (request.method === "HEAD") return response;
    const length = wholeLength(response);
    if (length !== undefined) metrics.sentBytes("http", length);
    if (length !== undefined || response.body === null) return response;
    const body = countedBody(response.body, (bytes) => metrics.sentBytes("http", bytes));
    const { status, headers } = response;
    return new Response(body, { status, headers });
  }
}
