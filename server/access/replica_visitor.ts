/**
 * Whoever copies a whole server reads all that it has, what it keeps for itself and for its tenants
 * included: a replica without committed offsets, schemas and tokens could not take its place. A node
 * also writes all of that, for whoever is its own client.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import type { Services } from "../exchange.ts";
import type { Visitor } from "../front_desk.ts";
import { OPERATOR } from "./access.ts";

/** Says that a replica asks, `true`, or a `node`. */
const REPLICA_HEADER = "seglog-replica";

/**
 * The visitor as a request is to be answered: with everything there is when it says that a replica or
 * a node asks.
 *
 * @throws {SeglogError} `unauthenticated` or `forbidden` for who does not run the server;
 * `invalid-argument` for anything but reading by a replica
 */
export function asReplica(
  request: Request,
  visitor: Visitor,
  { everything }: Pick<Services, "everything">,
): Visitor {
  const who = request.headers.get(REPLICA_HEADER);
  if (who === null) return visitor;
  OPERATOR.demand(visitor);
  if (who !== "node" && request.method !== "GET") {
    throw new SeglogError(
      "invalid-argument",
      "Cannot change anything with Seglog-Replica: it reads; a node says Seglog-Replica: node",
    );
  }
  const principal = { ...visitor.principal, isKnown: true, seesInternal: true };
  return { ...visitor, principal, backend: everything };
}
