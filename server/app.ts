/**
 * The server as a function from a request to a response, without any socket.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import { OPEN } from "./access/access.ts";
import { isAudited } from "./access/audit.ts";
import { checkCaller } from "./access/callers.ts";
import { corsHeaders } from "./access/cors.ts";
import { asReplica } from "./access/replica_visitor.ts";
import { type Asked, callerFacts, callerOf, headerOf, preflightOf } from "./asked.ts";
import { Exchange, type Route, type Services, splitTarget, targetOf } from "./exchange.ts";
import { demandEpoch, epochHeaders } from "./epoch.ts";
import { problemResponse } from "./problem.ts";
import { type RequestWatch, watched } from "./request_watch.ts";
import { demandRole, workOf } from "./roles.ts";
import { socketDoor, type Upgrade } from "./subscribers/websocket.ts";
import { type AppOptions, type OpenServices, openServices } from "./open_services.ts";
import { ROUTES } from "./routes/all.ts";

/** An app, what it works with, and the end of what it keeps open. */
export interface Service extends OpenServices {
  /** Answers requests. */
  readonly app: Hono;
  /** Opens WebSockets. */
  readonly upgrade: Upgrade;
}

/**
 * The app over one backend.
 *
 * @returns a Hono app: its `fetch` answers a `Request`, its `request` takes a path in tests. It
 * never rejects; what fails is answered as `application/problem+json`
 */
export function createApp(backend: Backend, options: AppOptions = {}): Hono {
  return createService(backend, options).app;
}

/** The same, for a server that ends in good order. */
export function createService(backend: Backend, options: AppOptions = {}): Service {
  const { services, start, close } = openServices(backend, { ...options, routes: ROUTES });
  return { app: createHono(services), services, upgrade: socketDoor(services), start, close };
}

function createHono(services: Services): Hono {
  // Paths are matched as they came: an encoded slash is part of a topic's name.
  const askedBy = (context: Context): Asked => {
    const { outgoing } = (context.env ?? {}) as Partial<HttpBindings>;
    const cut = outgoing === undefined ? undefined : () => void outgoing.socket?.destroySoon();
    return { request: context.req.raw, services, cut, incoming: incomingOf(context.env) };
  };
  const app = new Hono({
    getPath: (request, options) => splitTarget(targetOf(request, incomingOf(options?.env))).path,
  });
  for (const route of services.routes) {
    const path = route.path.replace(/:(\w+)\+$/, ":$1{.+}");
    app.on(route.method, path, (c) => answer(route, askedBy(c)));
  }
  app.notFound((c) => {
    const asked = askedBy(c);
    const preflight = preflightOf(asked);
    if (preflight !== undefined) return new Response(null, { status: 204, headers: preflight });
    const { path } = splitTarget(targetOf(asked.request, asked.incoming));
    return answer({ ...UNKNOWN, tell: routesOf(path)[0]?.tell }, asked);
  });
  app.onError((error) => problemResponse(error));
  return app;
}

/** The request as Node's server has it; there is none where the app is called directly. */
function incomingOf(env: unknown): IncomingMessage | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming as IncomingMessage | undefined;
}

type AnsweredRoute = Omit<Route, "method"> & { readonly method: string };

const UNKNOWN: AnsweredRoute = { method: "any", path: "unknown", access: OPEN, handle: refuse };

function answer(route: AnsweredRoute, asked: Asked): Promise<Response> {
  return watched(route, asked, (watch) => answerWatched(route, asked, watch));
}

async function answerWatched(
  route: AnsweredRoute,
  asked: Asked,
  watch: RequestWatch,
): Promise<Response> {
  const { request, services } = asked;
  const { desk } = services;
  let response: Response;
  let visitor = desk.stranger;
  let epoch: Record<string, string> = {};
  try {
    epoch = epochHeaders(services.everything);
    checkCaller(services.callers, callerFacts(asked));
    if (route.access !== OPEN) {
      visitor = asReplica(request, await desk.admit(callerOf(asked)), services);
    }
    watch.admitted(visitor.principal);
    const exchange = new Exchange(request, { ...asked, visitor });
    route.access.demand(exchange);
    demandRole(services.role, workOf(route));
    demandEpoch(services.everything, route, request);
    response = await route.handle(exchange);
    // A stream that nobody will read must not keep its source open.
    if (request.method === "HEAD") await response.body?.cancel();
  } catch (error) {
    watch.failed(error);
    const tell = route.tell ?? problemResponse;
    response = tell(error, { headers: headersFor(error) });
  }
  if (isAudited(route)) {
    const { path } = splitTarget(targetOf(request, asked.incoming));
    const { status } = response;
    const { principal } = visitor;
    services.audit.add({ principal, method: request.method, path, status });
  }
  const more = {
    ...corsHeaders(services.callers, headerOf(asked, "origin")),
    ...epoch,
  };
  for (const [name, value] of Object.entries(more)) response.headers.append(name, value);
  return watch.answered(response);
}

/** The rest of such a body is not waited for. */
function headersFor(error: unknown): Record<string, string> {
  if (!(error instanceof SeglogError)) return {};
  if (error.code === "method-not-allowed") return { allow: String(error.details.allow) };
  return error.code === "too-large" || error.code === "request-timeout"
    ? { connection: "close" }
    : {};
}

/** Tells an unknown path from a method that a known path does not have. */
function refuse({ request, path }: Exchange): never {
  const methods = routesOf(path)
    .flatMap(({ method }) => method === "GET" ? ["GET", "HEAD"] : [method]);
  const allow = [...new Set(methods)];
  if (allow.length === 0) {
    throw new SeglogError(
      "not-found",
      `Cannot find ${JSON.stringify(path.slice(0, 200))}: GET /openapi.json lists all paths`,
    );
  }
  throw new SeglogError(
    "method-not-allowed",
    `Cannot ${request.method.slice(0, 20)} ${path.slice(0, 200)}: it takes ${allow.join(", ")}`,
    { details: { allow: allow.join(", ") } },
  );
}

/** Whatever their methods. */
function routesOf(path: string): Route[] {
  const segments = path.split("/");
  const fits = (pattern: string[]) =>
    (pattern.length === segments.length ||
      (pattern.at(-1)!.endsWith("+") && pattern.length < segments.length)) &&
    pattern.every((part, index) =>
      part.startsWith(":") ? segments[index] !== "" : part === segments[index]
    );
  return ROUTES.filter((route) => fits(route.path.split("/")));
}
