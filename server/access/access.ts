/**
 * What a route asks of whoever uses it, before anything else is done.
 *
 * @module
 */
import type { Exchange } from "../exchange.ts";
import type { Scope } from "./grant.ts";
import { ANYBODY, demand, isOperator, refusal } from "./principal.ts";

/** Who may use a route. */
export interface Access {
  /** What it is, for the description of the routes; what is for an `operator` or an `admin` is audited. */
  readonly kind: "open" | "recognized" | "operator" | Scope;
  /** @throws {SeglogError} `unauthenticated`, `forbidden`, `not-found` */
  demand(exchange: Exchange): void;
}

/** Everybody, whatever they show. */
export const OPEN: Access = { kind: "open", demand() {} };

/** Everybody who is known, where anybody has to be. */
export const RECOGNIZED: Access = {
  kind: "recognized",
  demand({ principal }) {
    if (!principal.isKnown && principal !== ANYBODY) throw refusal(principal, "to know who asks");
  },
};

/** Who runs the server. */
export const OPERATOR = {
  kind: "operator",
  demand({ principal }: Pick<Exchange, "principal">): void {
    if (!isOperator(principal)) {
      throw refusal(principal, "admin on all topics, and to belong to no tenant");
    }
  },
} as const satisfies Access;

/** Who may do this with the topic of the path. */
export function onTopic(scope: Scope): Access {
  return onThis(scope, (exchange) => exchange.topic);
}

/** Who may do this with a topic that the request names. */
export function onThis(scope: Scope, topicOf: (exchange: Exchange) => string): Access {
  return {
    kind: scope,
    demand: (exchange) => demand(exchange.principal, scope, topicOf(exchange)),
  };
}
