/**
 * Where everybody comes in, whatever the protocol: who they are, and what is theirs to use.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import type { Clock } from "../core/base/clock.ts";
import { SeglogError } from "../core/base/errors.ts";
import { Credentials, type Recognized } from "./access/credentials.ts";
import { guardedBackend } from "./access/guarded_backend.ts";
import { type Principal, STRANGER } from "./access/principal.ts";
import { inRole, type Role } from "./roles.ts";
import type { TenantServices } from "./tenant_services.ts";
import { MeteredReads } from "./tenants/quota_backend.ts";
import type { Tenants } from "./tenants/tenants.ts";

/** What somebody shows. */
export interface Caller {
  /** The header `Authorization`. */
  readonly authorization?: string | undefined;
  /** The subject of a client certificate that was verified. */
  readonly subject?: string | undefined;
}

/** Somebody who was let in. */
export interface Visitor {
  readonly principal: Principal;
  /** What those of the same tenant share. */
  readonly tenant: TenantServices;
  /** The topics of the tenant, as far as the principal may use them. */
  readonly backend: Backend;
  /** Aborted when the credentials do not count any more: streams end then. */
  readonly ended: AbortSignal;
}

/** What the desk is opened with. */
export interface FrontDeskOptions {
  readonly tenants: Tenants;
  /** What the server does with records. */
  readonly role: Role;
  readonly clock: Clock;
  /** Takes what the server's own log should say. */
  readonly notice: (text: string) => void;
}

/** Lets callers in. */
export class FrontDesk {
  readonly tenants: Tenants;
  /** Everybody who shows nothing, where something has to be shown for most of what there is. */
  readonly stranger: Visitor;
  readonly #visitors = new WeakMap<Principal, Visitor>();
  readonly #role: Role;
  readonly #opening: Promise<Credentials>;
  #credentials: Credentials | undefined;
  #areDemanded = false;

  /** @param backend the topics of all tenants: who may come in is kept there */
  constructor(backend: Backend, { tenants, role, ...options }: FrontDeskOptions) {
    this.tenants = tenants;
    this.#role = role;
    this.stranger = this.#visitor({
      principal: STRANGER,
      ended: new AbortController().signal,
    });
    this.#opening = this.#open(backend, options);
    this.#opening.catch(() => {}); // told to everybody who wants to come in
  }

  /** Those who may come in. @throws {SeglogError} when that cannot be read: then nobody may */
  get credentials(): Promise<Credentials> {
    return this.#opening;
  }

  /**
   * Whether callers have to show who they are; so it is where nobody can come in.
   *
   * @param options with `forGood`, that whoever asks relies on it: where it is so, or cannot be told
   * yet, nobody is let in without from then on
   */
  async areCredentialsNeeded({ forGood = false } = {}): Promise<boolean> {
    const areNeeded = await this.#opening.then(({ areNeeded }) => areNeeded).catch(() => true);
    if (forGood && areNeeded) this.#areDemanded = true;
    return areNeeded;
  }

  /**
   * Recognizes a caller, and counts the request. What nobody is let in for is no tenant's to pay.
   *
   * @throws {SeglogError} `unauthenticated` for credentials that do not count; `quota-exceeded`;
   * `forbidden` where there are none, and somebody relies on them
   */
  admit(caller: Caller): Promise<Visitor> | Visitor {
    return this.#credentials === undefined
      ? this.#opening.then((credentials) => this.#admit(caller, credentials))
      : this.#admit(caller, this.#credentials);
  }

  /** Lets go of what was opened. */
  async close(): Promise<void> {
    await this.#opening.then((credentials) => credentials.close(), () => {});
    await this.tenants.close();
  }

  async #open(
    backend: Backend,
    options: Pick<FrontDeskOptions, "clock" | "notice">,
  ): Promise<Credentials> {
    await this.tenants.book.open();
    this.#credentials = await Credentials.open(backend, options);
    return this.#credentials;
  }

  #admit(caller: Caller, credentials: Credentials): Visitor {
    if (this.#areDemanded && !credentials.areNeeded) throw nobodyKnown();
    const recognized = credentials.recognize(caller);
    if (recognized === undefined) return this.stranger;
    const visitor = this.#visitor(recognized);
    visitor.tenant.quota.takeRequest();
    return visitor;
  }

  #visitor({ principal, ended }: Recognized): Visitor {
    const known = this.#visitors.get(principal);
    if (known !== undefined) return known;
    const tenant = this.tenants.of(principal.tenant);
    const metered = new MeteredReads(tenant.backend, tenant.quota);
    const backend = guardedBackend(inRole(metered, this.#role), principal);
    const visitor = { principal, tenant, backend, ended };
    this.#visitors.set(principal, visitor);
    return visitor;
  }
}

function nobodyKnown(): SeglogError {
  return new SeglogError(
    "forbidden",
    "Cannot let anybody in: other machines reach this server, and there are no tokens: make one at " +
      "its source with seglog token create, or start it with --unprotected",
  );
}
