/**
 * What one tenant's requests share: its topics, and the views of them that are open.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { Buckets } from "./buckets.ts";
import { HeldSnapshots } from "./held_snapshots.ts";
import { Queries } from "./query/queries.ts";
import type { WorkerPool } from "./query/worker_pool.ts";
import type { TenantQuota } from "./tenants/tenant_quota.ts";

/** What the views of a tenant are opened with. */
export interface TenantOptions {
  readonly bucketsMax: number;
  readonly snapshotsMax: number;
  readonly clock: Clock;
  /** Runs queries, of all tenants. */
  readonly queryWorkers: WorkerPool;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
}

/** What a tenant is. */
export type Tenant = Pick<TenantServices, "tenant" | "backend" | "quota">;

/** One tenant's topics and views. Who asks is not looked at here: a visitor's backend does that. */
export class TenantServices {
  /** Its name. */
  readonly tenant: string;
  /** All of its topics, those that the server keeps for it included. */
  readonly backend: Backend;
  /** How much of what it may have is used. */
  readonly quota: TenantQuota;
  /** Buckets of keys and values that are open. */
  readonly buckets: Buckets;
  /** Snapshots of them that clients hold. */
  readonly snapshots: HeldSnapshots;
  /** Queries over its topics. */
  readonly queries: Queries;

  constructor({ tenant, backend, quota }: Tenant, options: TenantOptions) {
    const { bucketsMax, snapshotsMax, clock, notice } = options;
    this.tenant = tenant;
    this.backend = backend;
    this.quota = quota;
    this.buckets = new Buckets(backend, { bucketsMax, clock, notice });
    this.snapshots = new HeldSnapshots({ clock, snapshotsMax });
    this.queries = new Queries(backend, { workers: options.queryWorkers, clock, notice });
  }

  /** Closes what was opened; the backend stays open. */
  async close(): Promise<void> {
    this.snapshots.close();
    await this.queries.views.close();
    await this.buckets.close();
  }
}
