/**
 * What is known of tenants: which there are, how much each may have, and how much it has.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { Clock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { tenantName } from "../access/credential.ts";
import type { Credentials } from "../access/credentials.ts";
import { DEFAULT_TENANT } from "../access/principal.ts";
import { Catalogue } from "../catalogue.ts";
import { checked } from "../checked.ts";
import { type Quota, type QuotaName, quotaShape } from "./quota.ts";
import { tenantBackend, tenantOf } from "./tenant_backend.ts";
import { TenantQuota } from "./tenant_quota.ts";

/** Where quotas are kept, by the names of tenants. */
const QUOTAS_TOPIC = `${INTERNAL_PREFIX}quotas`;

/** What the book is kept with. */
export interface TenantBookOptions {
  readonly clock: Clock;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
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

/** What there is of one tenant. */
export interface TenantEntry {
  /** Its topics, without a quota. */
  readonly topics: Backend;
  readonly quota: TenantQuota;
}

/** Keeps quotas, and knows the tenants by their topics. */
export class TenantBook {
  /** The topics of all tenants. */
  readonly backend: Backend;
  readonly #options: TenantBookOptions;
  readonly #entries = new Map<string, TenantEntry>();
  #quotas: Catalogue<Quota> | undefined;

  /** @param backend the topics of all tenants */
  constructor(backend: Backend, options: TenantBookOptions) {
    this.backend = backend;
    this.#options = options;
  }

  /** Reads the quotas; before that, there are none. @throws {SeglogError} when they cannot be read */
  async open(): Promise<void> {
    const { clock, notice } = this.#options;
    const parse = (value: unknown) => quotaShape.parse(value);
    const topic = QUOTAS_TOPIC;
    this.#quotas = await Catalogue.open(this.backend, { topic, parse, clock, notice });
  }

  /** The topics of a tenant, and what it may have. */
  entry(tenant: string): TenantEntry {
    const known = this.#entries.get(tenant);
    if (known !== undefined) return known;
    const topics = tenantBackend(this.backend, tenant);
    const quota = new TenantQuota(topics, {
      clock: this.#options.clock,
      limits: () => this.#quotas?.get(tenant),
      refused: (name) => this.#options.refused(tenant, name),
    });
    const entry = { topics, quota };
    this.#entries.set(tenant, entry);
    return entry;
  }

  /** Those that have topics, or a quota. */
  async names(): Promise<Set<string>> {
    const all = new Set([DEFAULT_TENANT]);
    for (const { name } of await this.backend.listTopics()) all.add(tenantOf(name));
    for (const [name] of this.#quotas?.entries() ?? []) all.add(name);
    return all;
  }

  /** Those that have topics, a quota or credentials; measured. */
  async list(credentials: Credentials): Promise<TenantInfo[]> {
    const all = await this.names();
    for (const { tenant } of credentials.all()) all.add(tenant);
    return await Promise.all([...all].toSorted().map((name) => this.describe(name)));
  }

  /** One tenant, measured. @throws {SeglogError} `invalid-argument` for what is no name of one */
  async describe(tenant: string): Promise<TenantInfo> {
    checked(tenantName, tenant, "the tenant");
    const usage = await this.entry(tenant).quota.usage();
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
   * Takes back all credentials of a tenant, then removes its topics and its quota.
   *
   * @param closed called in between: nobody comes in as the tenant any more
   * @returns what it was
   * @throws {SeglogError} `invalid-argument` for the tenant of those who run the server
   */
  async remove(
    tenant: string,
    credentials: Credentials,
    closed?: () => Promise<void>,
  ): Promise<TenantInfo> {
    if (tenant === DEFAULT_TENANT) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot remove "${tenant}": it is everybody's who belongs to no other tenant; remove its topics`,
      );
    }
    const info = await this.describe(tenant);
    for (const each of credentials.all()) {
      if (each.tenant === tenant) await credentials.revoke(each.id);
    }
    await closed?.();
    this.#entries.delete(tenant);
    const { topics } = this.entry(tenant);
    for (const { name } of await topics.listTopics()) await topics.deleteTopic(name);
    await this.#quotas?.delete(tenant);
    return info;
  }

  /** Lets go of the quotas. */
  async close(): Promise<void> {
    await this.#quotas?.close();
  }
}
