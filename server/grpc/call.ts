/**
 * What a method works with, and what happens around every method: who calls is known, errors become
 * statuses, calls end when nobody waits for them any more, and all are counted.
 *
 * @module
 */
import type { Socket } from "node:net";
import {
  Code,
  type ConnectError,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import type { Span } from "@opentelemetry/api";
import { idsOf } from "../../tracing/spans.ts";
import { credentialsEnded, demandCurrent } from "../access/credentials_ended.ts";
import type { Services } from "../exchange.ts";
import { logFault } from "../fault.ts";
import type { Visitor } from "../front_desk.ts";
import { patience } from "../patience.ts";
import { isServerFault } from "../problem.ts";
import { endCallSpan, startCallSpan, withinSpan } from "../tracing/call_span.ts";
import { noteCaller } from "../tracing/request_span.ts";
import type { Intake } from "./intake.ts";
import { endedBy, statusOf, stoppingStatus } from "./status.ts";

/** What is known of a call before its messages are. */
export interface Transport {
  readonly intake: Intake | undefined;
  /** What the call came over, where that is known. */
  readonly socket: Socket | undefined;
}

/** Where the adapters put it. */
export const TRANSPORT: ContextKey<Transport> = createContextKey<Transport>(
  { intake: undefined, socket: undefined },
);

/** Where the gate puts who calls. */
export const VISITOR: ContextKey<Visitor | undefined> = createContextKey<Visitor | undefined>(
  undefined,
);

/** One call of a method. */
export interface Call {
  readonly services: Services;
  readonly visitor: Visitor;
  /** Aborted when nobody waits for the call any more; of a stream, also when it has to end. */
  readonly signal: AbortSignal;
  readonly context: HandlerContext;
}

/** A method that answers once. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  call: Call,
) => Response | Promise<Response>;

/** A method that answers with a stream; it has to end when the signal of its call is aborted. */
export type StreamMethod<Request, Response> = (
  request: Request,
  call: Call,
) => AsyncGenerator<Response, void, undefined>;

/** The method as the router wants it. */
export function unary<Request, Response>(
  services: Services,
  method: UnaryMethod<Request, Response>,
): (request: Request, context: HandlerContext) => Promise<Response> {
  return async (request, context) => {
    const span = startCallSpan(context);
    const finish = begun(services, context, span);
    const { signal } = context;
    try {
      const visitor = visitorOf(services, context);
      if (span !== undefined) noteCaller(span, visitor.principal);
      demandCurrent(visitor); // the message may have been long in coming
      const run = () => method(request, { services, visitor, signal, context });
      const answer = Promise.resolve(withinSpan(span, run));
      const response = await beforeEnd(answer, signal);
      finish(undefined);
      return response;
    } catch (error) {
      throw finish(error);
    }
  };
}

/** The same for a stream. */
export function streaming<Request, Response>(
  services: Services,
  method: StreamMethod<Request, Response>,
): (request: Request, context: HandlerContext) => AsyncGenerator<Response, void, undefined> {
  return async function* (request, context) {
    const finish = begun(services, context);
    const visitor = visitorOf(services, context);
    const patient = patience([context.signal, services.stopping, visitor.ended]);
    const { signal } = patient;
    try {
      yield* method(request, { services, visitor, signal, context });
      if (signal.aborted) throw endOf(services, context);
      finish(undefined);
    } catch (error) {
      throw finish(error);
    } finally {
      patient.release();
      finish(endedBy(context.signal)); // when nobody asked for the rest
    }
  };
}

/** Settles as `answer` does, but not after the call has ended: what it does then is not told. */
function beforeEnd<Result>(answer: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const end = () => reject(endedBy(signal));
    if (signal.aborted) end();
    signal.addEventListener("abort", end, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}

/** Why a stream was ended that would have gone on. */
function endOf(services: Services, context: HandlerContext): ConnectError {
  if (context.signal.aborted) return endedBy(context.signal);
  if (services.stopping.aborted) return stoppingStatus();
  return statusOf(credentialsEnded());
}

/**
 * A call has begun.
 *
 * @param span ends with it
 * @returns what is called with its error, if it has one, when it is over: counts it once, tells the log
 * what is the server's own fault, and returns the status
 */
export function begun(
  services: Services,
  context: HandlerContext,
  span?: Span,
): (error: unknown) => ConnectError | undefined {
  const { service, method } = context;
  const startMs = performance.now();
  const name = `${service.typeName}/${method.name}`;
  let isOver = false;
  return (error) => {
    const status = error === undefined ? undefined : statusOf(error);
    if (isOver) return status;
    isOver = true;
    const code = status === undefined ? "OK" : Code[status.code];
    const trace = span === undefined ? undefined : idsOf(span);
    const seconds = (performance.now() - startMs) / 1000;
    const { principal } = visitorOf(services, context);
    services.metrics.called(name, code, seconds);
    services.requestLog.called({ method: name, code, seconds, principal, trace });
    if (status === undefined) {
      if (span !== undefined) endCallSpan(span, undefined);
      return undefined;
    }
    // What is a status already was counted, and told, as what it was before.
    if (status !== error) {
      services.metrics.failed("grpc", error);
      if (isServerFault(error)) logFault(services.logger, error, { what: name, ...trace });
    }
    if (span !== undefined) endCallSpan(span, { status: status.code, name: code, error });
    return status;
  };
}

function visitorOf(services: Services, { values }: HandlerContext): Visitor {
  return values.get(VISITOR) ?? services.desk.stranger;
}
