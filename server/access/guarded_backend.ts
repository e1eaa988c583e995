/**
 * A backend as one principal may use it: what they may not see is not there, and what they may not
 * do is refused.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { LayeredBackend } from "../layered_backend.ts";
import { demand, demandSight, maySee, type Principal } from "./principal.ts";

/** What `principal` may do with `backend`. */
export function guardedBackend(backend: Backend, principal: Principal): Backend {
  return new LayeredBackend(backend, {
    enter(topic, use) {
      if (use === "see") demandSight(principal, topic);
      else demand(principal, use, topic);
      return topic;
    },
    shownName: (topic) => maySee(principal, topic) ? topic : undefined,
  });
}
