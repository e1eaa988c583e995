/**
 * Where everybody comes in, whatever the protocol: who they are, and what is theirs to use.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { guardedBackend } from "./access/guarded_backend.ts";
import { ANYBODY, type Principal, STRANGER } from "./access/principal.ts";
import type { TenantServices } from "./tenant_services.ts";

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

/** Lets callers in. */
export class FrontDesk {
  /** Everybody who shows nothing, where something has to be shown for most of what there is. */
  readonly stranger: Visitor;
  readonly #anybody: Visitor;

  constructor(tenant: TenantServices) {
    this.stranger = visitorOf(STRANGER, tenant);
    this.#anybody = visitorOf(ANYBODY, tenant);
  }

  /**
   * Recognizes a caller.
   *
   * @throws {SeglogError} `unauthenticated` for credentials that do not count; `quota-exceeded`
   */
  admit(_caller: Caller): Promise<Visitor> | Visitor {
    return this.#anybody;
  }
}

function visitorOf(principal: Principal, tenant: TenantServices): Visitor {
  return {
    principal,
    tenant,
    backend: guardedBackend(tenant.backend, principal),
    ended: new AbortController().signal,
  };
}
