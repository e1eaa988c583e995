/**
 * Who asks, and whether they may.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { isInternalTopic } from "../../core/format/file_names.ts";
import { allows, concerns, EVERYTHING, type Grant, type Scope } from "./grant.ts";

/** The tenant of everybody who belongs to no other. */
export const DEFAULT_TENANT = "default";

/** Somebody who asks. */
export interface Principal {
  /** For people and for the audit: the name of a token, the subject of a certificate. */
  readonly name: string;
  /** Whose topics they see. */
  readonly tenant: string;
  readonly grants: readonly Grant[];
  /** Whether they have shown credentials. */
  readonly isKnown: boolean;
  /** Whether what the server keeps for itself is theirs to read: so it is for a replica. */
  readonly seesInternal?: boolean;
}

/** Everybody, on a server that has no credentials: it trusts whoever reaches it. */
export const ANYBODY: Principal = {
  name: "anybody",
  tenant: DEFAULT_TENANT,
  grants: [EVERYTHING],
  isKnown: false,
};

/** Who shows no credentials to a server that has some. */
export const STRANGER: Principal = {
  name: "stranger",
  tenant: DEFAULT_TENANT,
  grants: [],
  isKnown: false,
};

/** Whether somebody may do this with a topic. What the server keeps for itself is nobody's. */
export function mayDo(
  { grants, seesInternal }: Principal,
  scope: Scope,
  topic: string,
): boolean {
  return (seesInternal || !isInternalTopic(topic)) &&
    grants.some((grant) => allows(grant, scope, topic));
}

/** Whether a topic is shown to somebody: whoever may do anything with it knows that it is there. */
export function maySee({ grants }: Principal, topic: string): boolean {
  return !isInternalTopic(topic) &&
    grants.some((grant) => concerns(grant, topic));
}

/**
 * Refuses whoever may not.
 *
 * @throws {SeglogError} `not-found` for an internal topic; `unauthenticated`; `forbidden`
 */
export function demand(principal: Principal, scope: Scope, topic: string): void {
  if (!mayDo(principal, scope, topic)) throw refusalOf(principal, scope, topic);
}

/** Refuses whoever may do nothing with a topic. @throws {SeglogError} as {@linkcode demand} */
export function demandSight(principal: Principal, topic: string): void {
  if (!maySee(principal, topic)) throw refusalOf(principal, "any scope", topic);
}

function refusalOf(principal: Principal, needed: string, topic: string): SeglogError {
  const shown = JSON.stringify(topic.slice(0, 200));
  if (!isInternalTopic(topic)) return refusal(principal, `${needed} on ${shown}`);
  return new SeglogError("not-found", `Cannot use ${shown}: the server keeps it for itself`);
}

/** Whether somebody runs the server: may do everything, in the tenant of those who run it. */
export function isOperator(principal: Principal): boolean {
  return principal.tenant === DEFAULT_TENANT && administersAll(principal);
}

/** Whether somebody may do everything in their tenant. */
export function administersAll({ grants }: Principal): boolean {
  return grants.some(({ scopes, pattern }) => pattern === "*" && scopes.includes("admin"));
}

/** The error for somebody who may not; for a stranger, what to show. */
export function refusal(principal: Principal, needed: string): SeglogError {
  if (principal.isKnown) {
    return new SeglogError(
      "forbidden",
      `Cannot do this as "${principal.name}": it needs ${needed}; ask whoever runs the server`,
    );
  }
  return new SeglogError(
    "unauthenticated",
    `Cannot do this without credentials: it needs ${needed}; send Authorization: Bearer TOKEN, with seglog by --token-file FILE`,
  );
}
