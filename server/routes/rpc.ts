/**
 * The services of gRPC on the port of HTTP, as Connect and gRPC-Web.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { OPEN } from "../access/access.ts";
import type { Exchange, Route } from "../exchange.ts";

const SERVICES = [
  "seglog.v1.LogService",
  "seglog.v1.IngestionService",
  "seglog.v1.KvService",
  "grpc.health.v1.Health",
] as const;

/** A route for each service. Who may call a method is looked at by its own gate. */
export const RPC_ROUTES: readonly Route[] = SERVICES.flatMap((service) => {
  const path = `/${service}/:method`;
  return [
    { method: "POST", path, access: OPEN, handle: call },
    { method: "GET", path, access: OPEN, handle: call },
  ] as const;
});

/** Their code is large, and loaded by whoever uses it. */
async function call(exchange: Exchange): Promise<Response> {
  const { answerRequest } = await import("../grpc/over_http.ts");
  const response = await answerRequest(exchange);
  if (response !== undefined) return response;
  throw new SeglogError(
    "not-found",
    `Cannot call ${JSON.stringify(exchange.path.slice(0, 200))}: there is no such method`,
  );
}
