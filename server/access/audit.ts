/**
 * What the server's log says of those who change how it is run, or try to. Somebody who is known is
 * told each time; strangers, who can try as often as they like, cannot fill the log: of many tries
 * within a minute their number is told.
 *
 * @module
 */
import type { Clock } from "../../core/base/clock.ts";
import { STRANGER_LINES_MAX, STRANGER_WINDOW_MS } from "../limits.ts";
import type { LogFields, Logger } from "../logger.ts";
import type { Access } from "./access.ts";
import type { Credential } from "./credential.ts";
import type { Principal } from "./principal.ts";

const UNAUTHENTICATED = 401;

/** What somebody did, or was refused. */
export interface AuditEntry {
  readonly principal: Principal;
  readonly method: string;
  /** As it came, percent-encoded. */
  readonly path: string;
  readonly status: number;
}

/** Whether the uses of a route are told: those of operators, changes of topics, and what says so. */
export function isAudited(
  route: { readonly access: Access; readonly isAudited?: boolean },
): boolean {
  const { kind } = route.access;
  return route.isAudited ?? (kind === "operator" || kind === "admin");
}

/** Writes what is audited into the server's log. */
export class AuditLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #windowStartMs = -Infinity;
  #tries = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  add(entry: AuditEntry): void {
    const tries = isOfStranger(entry) ? this.#count() : 0;
    if (tries <= STRANGER_LINES_MAX) return this.#logger.info(...auditEvent(entry));
    if (!Number.isInteger(Math.log10(tries))) return;
    const { status } = entry;
    this.#logger.warn(
      `audit: strangers tried ${tries} times within a minute, and were refused`,
      { event: "audit", principal: entry.principal.name, tries, status },
    );
  }

  /** How many tries there were in this window. */
  #count(): number {
    const nowMs = this.#clock.now();
    // A clock that was set back begins a new one, too.
    if (Math.abs(nowMs - this.#windowStartMs) >= STRANGER_WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#tries = 0;
    }
    return ++this.#tries;
  }
}

/** Where everybody may do everything, nobody is one. */
function isOfStranger({ principal, status }: AuditEntry): boolean {
  return !principal.isKnown && status === UNAUTHENTICATED;
}

/** `audit: "ops" of default: DELETE /v1/topics/orders: 204`, and the same as fields. */
function auditEvent(
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
