/**
 * Who may use each path of the OpenAPI document, and what is told those who may not: from the routes.
 *
 * @module
 */
import type { Route } from "../exchange.ts";
import { problems } from "./parts.ts";

type Operation = Record<string, unknown> & { readonly responses: Record<string, unknown> };
type Paths = Readonly<Record<string, Record<string, unknown>>>;

/** How somebody shows who they are. */
export const securitySchemes: Record<string, unknown> = {
  token: {
    type: "http",
    scheme: "bearer",
    description: "A token, where the server has any credentials.",
  },
  certificate: { type: "mutualTLS", description: "A client certificate whose subject is known." },
};

/** What anybody who comes in may be told. */
const AT_THE_DESK = problems(401, 429);
/** What is told those who may not. */
const REFUSED = problems(403);

/** The paths, with what the routes say of their access. */
export function secured(paths: Paths, routes: readonly Route[]): Paths {
  const all: Record<string, Record<string, unknown>> = {};
  for (const [path, item] of Object.entries(paths)) all[path] = { ...item };
  for (const { method, path, access } of routes) {
    const item = all[path.replaceAll(/:(\w+)\+?/g, "{$1}")];
    const operation = item?.[method.toLowerCase()] as Operation | undefined;
    if (item === undefined || operation === undefined) continue;
    item[method.toLowerCase()] = access.kind === "open"
      ? { security: [], ...operation }
      : { ...operation, ...described(access.kind), responses: withRefusals(operation, access) };
  }
  return all;
}

function described(kind: Route["access"]["kind"]): Record<string, unknown> {
  const needs = kind === "recognized" ? "any credential" : kind;
  return { "x-seglog-needs": needs, security: [{ token: [] }, { certificate: [] }, {}] };
}

function withRefusals({ responses }: Operation, { kind }: Route["access"]): unknown {
  return { ...AT_THE_DESK, ...kind === "recognized" ? {} : REFUSED, ...responses };
}
