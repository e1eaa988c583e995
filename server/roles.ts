/**
 * What a server does: takes records in, answers what asks for them, or both. A server that only reads
 * can be a process of its own beside the one that writes.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Route } from "./exchange.ts";
import { LayeredBackend } from "./layered_backend.ts";

/** All roles. */
export const ROLES = ["all", "ingest", "query"] as const;

/** One of them: `ingest` writes, `query` reads, `all` does both. */
export type Role = typeof ROLES[number];

/** What is done to records: a role may leave one of both to others. */
export type Work = "write" | "read";

const DOER: Readonly<Record<Work, Role>> = { write: "ingest", read: "query" };

/** What a route is for: what it says itself, or else what its access tells; nothing is for all roles. */
export function workOf({ access: { kind }, method, work }: WorkingRoute): Work | undefined {
  if (work !== undefined) return work === "either" ? undefined : work;
  if (kind === "consume") return "read";
  const isChange = (kind === "produce" || kind === "admin") && method !== "GET";
  return isChange ? "write" : undefined;
}

type WorkingRoute = Pick<Route, "access" | "work"> & { readonly method: string };

/** Refuses what is for a server with another role. @throws {SeglogError} `wrong-role` */
export function demandRole(role: Role, work: Work | undefined): void {
  if (work === undefined || role === "all" || role === DOER[work]) return;
  const needs = DOER[work];
  throw new SeglogError(
    "wrong-role",
    `Cannot ${work} here: this server has the role ${role}; ask one that has the role ${needs}, or all`,
    { details: { role, needs } },
  );
}

/** A backend as a server with this role lends it to callers, whatever their protocol. */
export function inRole(backend: Backend, role: Role): Backend {
  if (role === "all") return backend;
  return new LayeredBackend(backend, {
    enter(topic, use) {
      if (use !== "see") demandRole(role, use === "consume" ? "read" : "write");
      return topic;
    },
  });
}
