/**
 * The server as a function from a request to a response, without any socket.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import type { Backend } from "../core/backend.ts";
import { type Clock, systemClock } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import { VERSION } from "../core/base/version.ts";
import { BodyBudget } from "./body_budget.ts";
import { OPEN } from "./access/access.ts";
import { AuditLog, isAudited } from "./access/audit.ts";
import { type CallerRules, checkCaller, OWN_PAGES_ONLY } from "./access/callers.ts";
import { corsHeaders } from "./access/cors.ts";
import { type Asked, callerFacts, callerOf, headerOf, preflightOf } from "./asked.ts";
import {
  Exchange,
  type Route,
  type Services,
  type ShownSetting,
  splitTarget,
  targetOf,
} from "./exchange.ts";
import { logFault } from "./fault.ts";
import { FrontDesk } from "./front_desk.ts";
import {
  DEFAULT_SERVER_LIMITS,
  type ServerLimits,
  WEBHOOK_DELIVERIES_MAX,
  WEBHOOK_TIMEOUT_MS,
} from "./limits.ts";
import { type Logger, noticeLogger } from "./logger.ts";
import { MeasuredBackend } from "./metrics/measured_backend.ts";
import { Metrics } from "./metrics/metrics.ts";
import { problemResponse } from "./problem.ts";
import { WorkerPool } from "./query/worker_pool.ts";
import { RequestLog } from "./request_log.ts";
import { type RequestWatch, watched } from "./request_watch.ts";
import { demandRole, type Role, workOf } from "./roles.ts";
import { ADMIN_ROUTES } from "./routes/admin.ts";
import { APPEND_ROUTES } from "./routes/append.ts";
import { BLOB_ROUTES } from "./routes/blobs.ts";
import { GROUP_ROUTES } from "./routes/groups.ts";
import { HEALTH_ROUTES } from "./routes/health.ts";
import { KV_ROUTES } from "./routes/kv.ts";
import { METRICS_ROUTES } from "./routes/metrics.ts";
import { OPENAPI_ROUTES } from "./routes/openapi.ts";
import { PARTITION_ROUTES } from "./routes/partition.ts";
import { QUERY_ROUTES } from "./routes/query.ts";
import { READ_ROUTES } from "./routes/read.ts";
import { RECORD_ROUTES } from "./routes/record.ts";
import { RPC_ROUTES } from "./routes/rpc.ts";
import { SCHEMA_ROUTES } from "./routes/schemas.ts";
import { SMALL_API_ROUTES } from "./routes/small_api.ts";
import { TENANT_ROUTES } from "./routes/tenants.ts";
import { TOKEN_ROUTES } from "./routes/tokens.ts";
import { TOPIC_ROUTES } from "./routes/topics.ts";
import { WEBHOOK_ROUTES } from "./routes/webhooks.ts";
import { socketDoor, type Upgrade } from "./subscribers/websocket.ts";
import { Tenants } from "./tenants/tenants.ts";
import { Turn } from "./turn.ts";
import { AddressPolicy } from "./webhooks/address_policy.ts";
import { HttpSender, type Sender } from "./webhooks/http_sender.ts";
import { Slots } from "./webhooks/slots.ts";

/** How an app behaves. */
export interface AppOptions {
  /** What differs from {@linkcode DEFAULT_SERVER_LIMITS}. */
  readonly limits?: Partial<ServerLimits>;
  /** The version that is shown; that of this package unless given. */
  readonly version?: string;
  /** Aborted when the server stops: followers are told, and nothing waits any longer. */
  readonly stopping?: AbortSignal;
  /** What the server does; everything unless given. */
  readonly role?: Role;
  /** What it was told, to be shown to whoever runs it. */
  readonly settings?: readonly ShownSetting[];
  /** How many connections are open, where there are any. */
  readonly connections?: () => number;
  /** What this server calls what it serves, where several do; {@linkcode VOLUME_ID_DEFAULT} unless given. */
  readonly volumeId?: string;
  /** The server's own log. */
  readonly logger?: Logger;
  /** Whether the log is to have a line for each request, which it has at `debug` in any case. */
  readonly logRequests?: boolean;
  /** Takes what the log should say as text, where there is no `logger`. */
  readonly onNotice?: (notice: string) => void;
  /** The clock of the machine unless given. */
  readonly clock?: Clock;
  /** Where webhooks may be sent to beside public addresses with TLS: hosts, addresses, networks. */
  readonly webhookAllow?: readonly string[];
  /** Sends what webhooks deliver; over HTTP unless given. */
  readonly webhookSender?: Sender;
  /** From where requests may come; {@linkcode OWN_PAGES_ONLY} unless given. */
  readonly callers?: CallerRules;
}

/** What a server is called that was given no name. */
export const VOLUME_ID_DEFAULT = "default";

/** An app, and the end of what it keeps open. */
export interface Service {
  /** Answers requests. */
  readonly app: Hono;
  /** What its routes share, for other protocols beside it. */
  readonly services: Services;
  /** Begins what goes on without being asked for: webhooks. */
  start(): Promise<void>;
  /** Opens WebSockets. */
  readonly upgrade: Upgrade;
  /** Lets callers in, of other protocols too. */
  readonly desk: FrontDesk;
  /** What it counts. */
  readonly metrics: Metrics;
  /** Its log. */
  readonly logger: Logger;
  /**
   * Closes the buckets that it opened, when requests are over. Without it they end with the backend,
   * and are read from the start when they are opened again.
   */
  close(): Promise<void>;
}

/** Every method and path that is served. */
export const ROUTES: readonly Route[] = [
  ...TOPIC_ROUTES,
  ...APPEND_ROUTES,
  ...READ_ROUTES,
  ...RECORD_ROUTES,
  ...PARTITION_ROUTES,
  ...KV_ROUTES,
  ...WEBHOOK_ROUTES,
  ...QUERY_ROUTES,
  ...SMALL_API_ROUTES,
  ...BLOB_ROUTES,
  ...SCHEMA_ROUTES,
  ...GROUP_ROUTES,
  ...TOKEN_ROUTES,
  ...TENANT_ROUTES,
  ...HEALTH_ROUTES,
  ...METRICS_ROUTES,
  ...ADMIN_ROUTES,
  ...OPENAPI_ROUTES,
  ...RPC_ROUTES,
];

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
  const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
  const clock = options.clock ?? systemClock;
  const version = options.version ?? VERSION;
  const logger = options.logger ?? noticeLogger(options.onNotice ?? (() => {}));
  const notice = (text: string) => logger.warn(text, { event: "notice" });
  const { bucketsMax, snapshotsMax } = limits;
  const queryWorkers = new WorkerPool();
  const { role = "all" } = options;
  const metrics = new Metrics(version);
  const endObserving = backend.observe?.(metrics);
  const measured = new MeasuredBackend(backend, metrics);
  const refused = (tenant: string, quota: string) => metrics.quotaRefused(tenant, quota);
  // Beside the owner of a folder, everything would be delivered twice.
  const delivers = backend.capabilities.canWrite && role !== "query";
  const couriers = {
    sender: options.webhookSender ?? new HttpSender({
      policy: new AddressPolicy(options.webhookAllow),
      timeoutMs: WEBHOOK_TIMEOUT_MS,
    }),
    slots: new Slots(WEBHOOK_DELIVERIES_MAX),
    random: Math.random,
    ...{ clock, metrics, notice, version },
  };
  const tenants = new Tenants(measured, {
    everything: backend,
    ...{ bucketsMax, snapshotsMax, queryWorkers, clock, notice, refused },
    ...delivers ? { couriers } : {},
  });
  const desk = new FrontDesk(measured, { tenants, role, clock, notice });
  const services: Services = {
    routes: ROUTES,
    everything: backend,
    desk,
    callers: options.callers ?? OWN_PAGES_ONLY,
    limits,
    budget: new BodyBudget(limits.bodiesBytesMax),
    turn: new Turn(),
    metrics,
    clock,
    role,
    settings: options.settings ?? [],
    connections: options.connections ?? (() => 0),
    volumeId: options.volumeId ?? VOLUME_ID_DEFAULT,
    stopping: options.stopping ?? new AbortController().signal,
    version,
    logger,
    audit: new AuditLog(logger, clock),
    requestLog: new RequestLog(logger, options.logRequests ? "info" : "debug"),
    notice,
  };
  // Paths are matched as they came: an encoded slash is part of a topic's name.
  const askedBy = (context: Context): Asked => {
    const { outgoing } = (context.env ?? {}) as Partial<HttpBindings>;
    const cut = outgoing === undefined ? undefined : () => void outgoing.socket?.destroySoon();
    return { request: context.req.raw, services, cut, incoming: incomingOf(context.env) };
  };
  const app = new Hono({
    getPath: (request, options) => splitTarget(targetOf(request, incomingOf(options?.env))).path,
  });
  for (const route of ROUTES) {
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
  const close = async () => {
    endObserving?.();
    await queryWorkers.close();
    await desk.close();
  };
  const start = async () => {
    try {
      if (delivers) await tenants.start();
    } catch (error) {
      logFault(logger, error, { what: "webhooks" });
    }
  };
  const upgrade = socketDoor(services);
  return { app, services, desk, metrics, logger, start, upgrade, close };
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
  try {
    checkCaller(services.callers, callerFacts(asked));
    if (route.access !== OPEN) visitor = await desk.admit(callerOf(asked));
    watch.admitted(visitor.principal);
    const exchange = new Exchange(request, { ...asked, visitor });
    route.access.demand(exchange);
    demandRole(services.role, workOf(route));
    response = await route.handle(exchange);
    // A stream that nobody will read must not keep its source open.
    if (request.method === "HEAD") await response.body?.cancel();
  } catch (error) {
    watch.failed(error);
    const tell = route.tell ?? problemResponse;
    response = tell(error, { headers: headersFor(error) });
  }
  if (isAudited(route.access)) {
    const { path } = splitTarget(targetOf(request, asked.incoming));
    const { status } = response;
    const { principal } = visitor;
    services.audit.add({ principal, method: request.method, path, status });
  }
  const cors = corsHeaders(services.callers, headerOf(asked, "origin"));
  for (const [name, value] of Object.entries(cors)) response.headers.append(name, value);
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
