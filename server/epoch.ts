/**
 * Keeps what a replaced server would still take in from being taken for the history.
 *
 * A store that follows another one is promoted with a higher epoch. Whoever knows that epoch says so
 * with each request, and a server with a lower one takes nothing in.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Route } from "./exchange.ts";
import { WHOLE } from "./query.ts";

/** Says an epoch, of the server in an answer, that the caller knows in a request. */
const EPOCH_HEADER = "seglog-epoch";

/**
 * Refuses a change by a caller who knows that this server was replaced.
 *
 * @throws {SeglogError} `condition-failed`, with the two epochs; `invalid-argument` for no epoch
 */
export function demandEpoch(
  backend: Backend,
  route: Pick<Route, "work"> & { readonly method: string },
  request: Request,
): void {
  const text = request.headers.get(EPOCH_HEADER);
  if (text === null || backend.epoch === undefined) return;
  const known = WHOLE.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(known)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot use Seglog-Epoch: ${JSON.stringify(text.slice(0, 80))}: give a whole number from 1`,
    );
  }
  const isChange = route.method !== "GET" && route.work !== "read";
  const { epoch } = backend;
  if (!isChange || known <= epoch) return;
  throw new SeglogError(
    "condition-failed",
    `Cannot write here: this server has epoch ${epoch}, and epoch ${known} is known: it was replaced; ` +
      "write to the server that was promoted",
    { details: { epoch, known } },
  );
}

/** Tells the epoch of a server that took the place of another. */
export function epochHeaders({ epoch = 1 }: Backend): Record<string, string> {
  return epoch > 1 ? { [EPOCH_HEADER]: String(epoch) } : {};
}
