/**
 * All tenants of a server: each has topics of its own, views of them, and a quota.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { tenantName } from "../access/credential.ts";
import { DEFAULT_TENANT } from "../access/principal.ts";
import { Catalogue } from "../catalogue.ts";
import { checked } from "../checked.ts";
import { type TenantOptions, TenantServices } from "../tenant_services.ts";
import { TracedBackend } from "../tracing/traced_backend.ts";
import { WEBHOOK_BUCKET } from "../webhooks/webhook_book.ts";
import { type Quota, type QuotaName, quotaShape } from "./quota.ts";
import { QuotaBackend } from "./quota_backend.ts";
import { nameInTenant, tenantBackend, tenantOf } from "./tenant_backend.ts";
import { TenantQuota } from "./tenant_quota.ts";

/** Where quotas are kept, by the names of tenants. */
const QUOTAS_TOPIC = `${INTERNAL_PREFIX}quotas`;

/** What tenants are opened with. */
export interface TenantsOptions extends TenantOptions {
  /** The topics of all tenants, as others in this process may have them; those given unless given. */
  readonly everything?: Backend;
  /** Is told of each refusal. */
  readonly refused: (tenant: string, quota: QuotaName) => void;
}

/** One tenant, for who runs the server. */
export interface TenantInfo {
  readonly tenant: string;
  readonly topics: number;
  readonly partitions: number;
  readonly storedBytes: number;
  readonly quota: Quota;
}

/** Opens tenants when they are first asked for. */
export class Tenants {
  readonly #backend: Backend;
  readonly #options: TenantsOptions;
  readonly #open = new Map<string, TenantServices>();
  #quotas: Catalogue<Quota> | undefined;

  /** @param backend the topics of all tenants */
  constructor(backend: Backend, options: TenantsOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /** Reads the quotas; before that, there are none. @throws {SeglogError} when they cannot be read */
  async open(): Promise<void> {
    const { clock, notice } = this.#options;
    const parse = (value: unknown) => quotaShape.parse(value);
    this.#quotas = await Catalogue.open(this.#backend, {
      topic: QUOTAS_TOPIC,
      parse,
      clock,
      notice,
    });
  }

  /** Begins what goes on without being asked for: webhooks. @throws {SeglogError} */
  async start(): Promise<void> {
    for (const { name } of await this.#backend.listTopics()) {
      if (nameInTenant(name) === WEBHOOK_BUCKET) await this.of(tenantOf(name)).webhooks.start();
    }
  }

  /** What the requests of one tenant share. */
  of(tenant: string): TenantServices {
    const known = this.#open.get(tenant);
    if (known !== undefined) return known;
    const own = tenantBackend(this.#backend, tenant);
    const quota = new TenantQuota(own, {
      clock: this.#options.clock,
      limits: () => this.#quotas?.get(tenant),
      refused: (name) => this.#options.refused(tenant, name),
    });
    const topics = tenant === DEFAULT_TENANT ? this.#options.everything ?? this.#backend : own;
    const services = new TenantServices(
      { tenant, backend: new TracedBackend(new QuotaBackend(own, quota)), quota, topics },
      this.#options,
    );
    this.#open.set(tenant, services);
    return services;
  }

  /** Those that have topics, or a quota, and of these names; measured. */
  async list(names: Iterable<string>): Promise<TenantInfo[]> {
    const all = new Set([...await this.names(), ...names]);
    return await Promise.all([...all].toSorted().map((name) => this.describe(name)));
  }

  /** Those that have topics, or a quota. */
  async names(): Promise<Set<string>> {
    const all = new Set([DEFAULT_TENANT]);
    for (const { name } of await this.#backend.listTopics()) all.add(tenantOf(name));
    for (const [name] of this.#quotas?.entries() ?? []) all.add(name);
    return all;
  }

  /** One tenant, measured. @throws {SeglogError} `invalid-argument` for what is no name of one */
  async describe(tenant: string): Promise<TenantInfo> {
    checked(tenantName, tenant, "the tenant");
    const usage = await this.of(tenant).quota.usage();
    return { tenant, ...usage, quota: this.#quotas?.get(tenant) ?? {} };
  }

  /** Limits a tenant to this much, instead of what was before; `{}` takes the limits away. */
  async limit(tenant: string, quota: Quota): Promise<void> {
    checked(tenantName, tenant, "the tenant");
    if (this.#quotas === undefined) {
      throw new SeglogError("unavailable", `Cannot limit "${tenant}": the server is starting`);
    }
    if (Object.keys(quota).length === 0) await this.#quotas.delete(tenant);
    else await this.#quotas.set(tenant, quota);
  }

  /**
   * Removes all topics of a tenant, and its quota. Whoever comes in as the tenant is not looked at.
   *
   * @throws {SeglogError} `invalid-argument` for the tenant of those who run the server
   */
  async remove(tenant: string): Promise<TenantInfo> {
    if (tenant === DEFAULT_TENANT) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot remove "${tenant}": it is everybody's who belongs to no other tenant; remove its topics`,
      );
    }
    const info = await this.describe(tenant);
    await this.#open.get(tenant)?.close();
    this.#open.delete(tenant);
    const own = tenantBackend(this.#backend, tenant);
    for (const { name } of await own.listTopics()) await own.deleteTopic(name);
    await this.#quotas?.delete(tenant);
    return info;
  }

  /** Closes what was opened; the backend stays open. */
  async close(): Promise<void> {
    for (const services of this.#open.values()) await services.close();
    await this.#quotas?.close();
  }
}
