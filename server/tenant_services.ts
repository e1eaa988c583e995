/**
 * What one tenant's requests share: its topics, and the views of them that are open.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Groups } from "../core/group_contract.ts";
import { holdOwnGroups, type OwnGroups } from "../core/groups/shared_groups.ts";
import { Buckets } from "./buckets.ts";
import { HeldSnapshots } from "./held_snapshots.ts";
import { Queries } from "./query/queries.ts";
import type { WorkerPool } from "./query/worker_pool.ts";
import { createSchemas } from "./schemas/create_schemas.ts";
import type { SchemaRegistry } from "./schemas/schema_registry.ts";
import type { TenantQuota } from "./tenants/tenant_quota.ts";
import type { CourierSupport } from "./webhooks/courier.ts";
import { RoutedWebhooks } from "./webhooks/routed_webhooks.ts";
import { OwnWebhooks, type WebhookCalls } from "./webhooks/webhook_calls.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** What the views of a tenant are opened with. */
export interface TenantOptions {
  readonly bucketsMax: number;
  readonly snapshotsMax: number;
  readonly clock: Clock;
  /** Runs queries, of all tenants. */
  readonly queryWorkers: WorkerPool;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
  /** What webhooks are delivered with; without it there are none. */
  readonly couriers?: CourierSupport;
}

/** What a tenant is. */
export interface Tenant extends Pick<TenantServices, "tenant" | "backend" | "quota"> {
  /** Its topics without a quota, as others in this process may have them, too. */
  readonly topics: Backend;
}

/** One tenant's topics and views. Who asks is not looked at here: a visitor's backend does that. */
export class TenantServices {
  /** Its name. */
  readonly tenant: string;
  /** All of its topics, those that the server keeps for it included. What is appended is checked. */
  readonly backend: Backend;
  /** The schemas that records are checked against. */
  readonly schemas: SchemaRegistry;
  /** How much of what it may have is used. */
  readonly quota: TenantQuota;
  /** Buckets of keys and values that are open. */
  readonly buckets: Buckets;
  /** Snapshots of them that clients hold. */
  readonly snapshots: HeldSnapshots;
  /** Queries over its topics. */
  readonly queries: Queries;
  readonly #groups: OwnGroups;
  readonly #couriers: CourierSupport | undefined;
  /** Where several servers serve these topics: one of them delivers. */
  readonly #routed: WebhookCalls | undefined;
  /** Those that are delivered here. */
  #webhooks: Webhooks | undefined;

  constructor({ tenant, backend, quota, topics }: Tenant, options: TenantOptions) {
    const { bucketsMax, snapshotsMax, clock, notice, couriers } = options;
    this.tenant = tenant;
    const schemas = createSchemas(backend, { clock, notice });
    this.backend = schemas.backend;
    this.schemas = schemas.registry;
    this.quota = quota;
    this.buckets = new Buckets(this.backend, { bucketsMax, clock, notice });
    this.snapshots = new HeldSnapshots({ clock, snapshotsMax });
    this.queries = new Queries(backend, { workers: options.queryWorkers, clock, notice });
    this.#groups = holdOwnGroups(topics, { clock, onNotice: notice });
    this.#couriers = couriers;
    const { election } = backend;
    this.#routed = election && couriers && new RoutedWebhooks(election, tenant);
  }

  /** Its consumer groups. */
  get groups(): Groups {
    return this.#groups.groups;
  }

  /** Its consumer groups, where this server is the one that coordinates them. */
  get coordinated(): Groups | undefined {
    return this.#groups.coordinator;
  }

  /** Its webhooks, wherever they are delivered. @throws {SeglogError} `unsupported` */
  get webhooks(): WebhookCalls {
    return this.#routed ?? new OwnWebhooks(this.deliveries, this.backend);
  }

  /** Webhooks that are delivered here, from when they are started. @throws {SeglogError} `unsupported` */
  get deliveries(): Webhooks {
    if (this.#couriers !== undefined) {
      return this.#webhooks ??= new Webhooks(this.backend, this.buckets, this.#couriers);
    }
    throw new SeglogError(
      "unsupported",
      "Cannot tell of webhooks here: the server that owns the records delivers them",
    );
  }

  /** Ends what is delivered here. What begins after that reads anew where each webhook is. */
  async endDeliveries(): Promise<void> {
    const webhooks = this.#webhooks;
    this.#webhooks = undefined;
    await webhooks?.close();
  }

  /** Closes what was opened; the backend stays open. */
  async close(): Promise<void> {
    this.snapshots.close();
    await this.queries.views.close();
    await this.endDeliveries();
    await this.#groups.release();
    await this.buckets.close();
    await this.schemas.close();
  }
}
