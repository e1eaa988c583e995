/**
 * What the server's log says of those who change how it is run, or try to.
 *
 * @module
 */
import type { LogFields } from "../logger.ts";
import type { Access } from "./access.ts";
import type { Credential } from "./credential.ts";
import type { Principal } from "./principal.ts";

/** What somebody did, or was refused. */
export interface AuditEntry {
  readonly principal: Principal;
  readonly method: string;
  /** As it came, percent-encoded. */
  readonly path: string;
  readonly status: number;
}

/** Whether the uses of a route are told: those of operators, and changes of topics. */
export function isAudited({ kind }: Access): boolean {
  return kind === "operator" || kind === "admin";
}

/** `audit: "ops" of default: DELETE /v1/topics/orders: 204`, and the same as fields. */
export function auditEvent(
  { principal, method, path, status }: AuditEntry,
): [message: string, fields: LogFields] {
  const { name, tenant } = principal;
  return [
    `audit: ${JSON.stringify(name)} of ${tenant}: ${method} ${path.slice(0, 500)}: ${status}`,
    { event: "audit", principal: name, tenant, method, path, status },
  ];
}

/** Whom somebody has let in: the path of such a request does not say it. */
export function madeEvent(
  { name, tenant }: Principal,
  made: Pick<Credential, "id" | "name" | "tenant" | "grants">,
): [message: string, fields: LogFields] {
  const { id, grants } = made;
  return [
    `audit: ${JSON.stringify(name)} of ${tenant}: made ${
      JSON.stringify(made.name)
    } of ${made.tenant}, who may ${grants}`,
    {
      event: "audit",
      ...{ principal: name, tenant },
      ...{ made: made.name, made_id: id, made_tenant: made.tenant, grants },
    },
  ];
}
