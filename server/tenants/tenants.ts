/**
 * The tenants of a server whose topics and views are open.
 *
 * @module
 */
import { originOf } from "../../core/at_origin.ts";
import type { Backend } from "../../core/backend.ts";
import type { Credentials } from "../access/credentials.ts";
import { DEFAULT_TENANT } from "../access/principal.ts";
import type { Tenant, TenantServices } from "../tenant_services.ts";
import { TracedBackend } from "../tracing/traced_backend.ts";
import { WEBHOOK_BUCKET } from "../webhooks/webhook_book.ts";
import { QuotaBackend } from "./quota_backend.ts";
import { nameInTenant, tenantOf } from "./tenant_backend.ts";
import type { TenantBook, TenantInfo } from "./tenant_book.ts";

/** How tenants are opened. */
export interface TenantsOptions {
  /** The topics of all tenants, as others in this process may have them. */
  readonly everything: Backend;
  /** Opens the views of one. */
  readonly open: (tenant: Tenant) => TenantServices;
}

/** Opens tenants when they are first asked for. */
export class Tenants {
  /** What is known of them. */
  readonly book: TenantBook;
  readonly #options: TenantsOptions;
  readonly #open = new Map<string, TenantServices>();

  constructor(book: TenantBook, options: TenantsOptions) {
    this.book = book;
    this.#options = options;
  }

  /**
   * Begins what goes on without being asked for: webhooks.
   *
   * @param failed is told where one tenant's cannot begin; the others' do
   * @param signal begins no more
   * @throws {SeglogError} when topics cannot be listed
   */
  async deliver(
    failed: (tenant: string, error: unknown) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    for (const { name } of await originOf(this.book.backend).listTopics()) {
      if (signal?.aborted) return;
      if (nameInTenant(name) !== WEBHOOK_BUCKET) continue;
      const tenant = tenantOf(name);
      await this.of(tenant).deliveries.start().catch((error) => failed(tenant, error));
    }
  }

  /** Ends that, until it is begun again. */
  async endDeliveries(): Promise<void> {
    await Promise.all(Array.from(this.#open.values(), (services) => services.endDeliveries()));
  }

  /** What the requests of one tenant share. */
  of(tenant: string): TenantServices {
    const known = this.#open.get(tenant);
    if (known !== undefined) return known;
    const { topics: own, quota } = this.book.entry(tenant);
    const services = this.#options.open({
      tenant,
      quota,
      backend: new TracedBackend(new QuotaBackend(own, quota)),
      topics: tenant === DEFAULT_TENANT ? this.#options.everything : own,
    });
    this.#open.set(tenant, services);
    return services;
  }

  /** Removes a tenant with all that is open of it. @throws {SeglogError} as `TenantBook.remove` */
  remove(tenant: string, credentials: Credentials): Promise<TenantInfo> {
    return this.book.remove(tenant, credentials, async () => {
      await this.#open.get(tenant)?.close();
      this.#open.delete(tenant);
    });
  }

  /** Closes what was opened; the backend stays open. */
  async close(): Promise<void> {
    for (const services of this.#open.values()) await services.close();
    await this.book.close();
  }
}
