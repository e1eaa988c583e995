/**
 * What the routes of a server share, put together: whom it knows, what it counts, what it tells, and
 * what goes on without being asked for.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { type Clock, systemClock } from "../core/base/clock.ts";
import { VERSION } from "../core/base/version.ts";
import type { Candidacy, Candidate } from "../core/election_contract.ts";
import { standFor } from "../core/stand_for.ts";
import { AuditLog } from "./access/audit.ts";
import { type CallerRules, OWN_PAGES_ONLY } from "./access/callers.ts";
import { BodyBudget } from "./body_budget.ts";
import type { Route, Services, ShownSetting } from "./exchange.ts";
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
import { WorkerPool } from "./query/worker_pool.ts";
import { RequestLog } from "./request_log.ts";
import type { Role } from "./roles.ts";
import { TenantBook } from "./tenants/tenant_book.ts";
import { Tenants } from "./tenants/tenants.ts";
import { TenantServices } from "./tenant_services.ts";
import { Turn } from "./turn.ts";
import { AddressPolicy } from "./webhooks/address_policy.ts";
import type { CourierSupport } from "./webhooks/courier.ts";
import { HttpSender, type Sender } from "./webhooks/http_sender.ts";
import { answerWebhookCall, type WebhookCall, WEBHOOKS_DUTY } from "./webhooks/routed_webhooks.ts";
import { Slots } from "./webhooks/slots.ts";
import { OwnWebhooks } from "./webhooks/webhook_calls.ts";

/** How a server behaves. */
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

/** What is open, until it is closed. */
export interface OpenServices {
  /** What routes share, and other protocols beside them. */
  readonly services: Services;
  /** Begins what goes on without being asked for: webhooks. */
  start(): Promise<void>;
  /**
   * Closes the views that were opened, when requests are over. Without it they end with the backend,
   * and are read from the start when they are opened again.
   */
  close(): Promise<void>;
}

/** Puts together what the routes over one backend share. */
export function openServices(
  backend: Backend,
  options: AppOptions & { readonly routes: readonly Route[] },
): OpenServices {
  const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
  const { clock = systemClock, version = VERSION, role = "all" } = options;
  const logger = options.logger ?? noticeLogger(options.onNotice ?? (() => {}));
  const notice = (text: string) => logger.warn(text, { event: "notice" });
  const metrics = new Metrics(version);
  const endObserving = backend.observe?.(metrics);
  const measured = new MeasuredBackend(backend, metrics);
  const queryWorkers = new WorkerPool();
  // Beside the owner of a folder, everything would be delivered twice.
  const delivers = backend.capabilities.canWrite && role !== "query" &&
    !isDeliveredElsewhere(backend);
  const couriers = delivers ? couriersOf(options, { clock, metrics, notice, version }) : undefined;
  const views = { ...limits, clock, notice, queryWorkers, couriers };
  const book = new TenantBook(measured, {
    ...{ clock, notice },
    refused: (tenant, quota) => metrics.quotaRefused(tenant, quota),
  });
  const tenants = new Tenants(book, {
    everything: backend,
    open: (tenant) => new TenantServices(tenant, views),
  });
  const desk = new FrontDesk(measured, { tenants, role, clock, notice });
  const services: Services = {
    routes: options.routes,
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
  const failed = (error: unknown, tenant?: string) =>
    logFault(logger, error, { what: "webhooks", tenant });
  const deliver = (signal?: AbortSignal) =>
    tenants.deliver((tenant, error) => failed(error, tenant), signal);
  let candidacy: Candidacy | undefined;
  return {
    services,
    async start() {
      if (!delivers) return;
      const { election, following } = backend;
      if (election === undefined) return await deliver().catch(failed);
      const candidate = deliveryCandidate(tenants, deliver);
      candidacy ??= standFor({ election, following }, WEBHOOKS_DUTY, candidate);
    },
    async close() {
      endObserving?.();
      await candidacy?.close();
      await queryWorkers.close();
      await desk.close();
    },
  };
}

/** A copy of a server's topics leaves it to that server. */
function isDeliveredElsewhere({ following, election }: Backend): boolean {
  return following !== undefined && election === undefined;
}

/** Delivers the webhooks of all tenants while it is elected, and tells the others of them. */
function deliveryCandidate(
  tenants: Tenants,
  deliver: (signal: AbortSignal) => Promise<void>,
): Candidate {
  return {
    async take(deposed) {
      await deliver(deposed);
      return {
        async answer(asked) {
          const question = asked as WebhookCall;
          const { deliveries, backend } = tenants.of(question.tenant);
          return await answerWebhookCall(new OwnWebhooks(deliveries, backend), question);
        },
        close: () => tenants.endDeliveries(),
      };
    },
  };
}

function couriersOf(
  { webhookSender, webhookAllow }: AppOptions,
  shared: Pick<CourierSupport, "clock" | "metrics" | "notice" | "version">,
): CourierSupport {
  const policy = new AddressPolicy(webhookAllow);
  return {
    sender: webhookSender ?? new HttpSender({ policy, timeoutMs: WEBHOOK_TIMEOUT_MS }),
    slots: new Slots(WEBHOOK_DELIVERIES_MAX),
    random: Math.random,
    ...shared,
  };
}
