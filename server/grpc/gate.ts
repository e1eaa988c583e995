/**
 * Looks at who calls before anything that they send is read: whoever may not use a method at all is
 * turned away with their message unread.
 *
 * @module
 */
import type { HandlerContext } from "@connectrpc/connect";
import type { Scope } from "../access/grant.ts";
import { type Principal, refusal } from "../access/principal.ts";
import type { Services } from "../exchange.ts";
import { subjectOf } from "../tls/peer.ts";
import { begun, TRANSPORT, VISITOR } from "./call.ts";

/** What a method needs: a scope on some topic, any scope, or nothing. */
type Need = Scope | "any" | "nothing";

/** Health and reflection tell nothing of what is stored. What is not named is refused to strangers. */
const NEEDS: Readonly<Record<string, Need>> = {
  "seglog.v1.LogService/Produce": "produce",
  "seglog.v1.LogService/Consume": "consume",
  "seglog.v1.LogService/ProduceStream": "produce",
  "seglog.v1.LogService/ConsumeStream": "consume",
  "seglog.v1.LogService/GetServers": "any",
  "seglog.v1.IngestionService/IngestRecord": "produce",
  "seglog.v1.IngestionService/IngestBatch": "produce",
  "seglog.v1.IngestionService/IngestStream": "produce",
  "seglog.v1.IngestionService/GetIngestionStatus": "any",
  "seglog.v1.KvService/Get": "consume",
  "seglog.v1.KvService/Set": "produce",
  "seglog.v1.KvService/Delete": "produce",
  "seglog.v1.KvService/List": "consume",
  "seglog.v1.KvService/Transact": "any",
  "seglog.v1.KvService/Watch": "consume",
  "seglog.v1.IngestionService/HealthCheck": "nothing",
  "grpc.health.v1.Health/Check": "nothing",
  "grpc.health.v1.Health/List": "nothing",
  "grpc.health.v1.Health/Watch": "nothing",
  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "nothing",
  "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": "nothing",
};

/** What a method asks of whoever calls it. */
export function needOf(method: string): Need {
  return NEEDS[method] ?? "any";
}

/** Admits callers, each before its first message. The topic is in that: methods look at it then. */
export function createGate(services: Services): (context: HandlerContext) => Promise<void> {
  return async (context) => {
    const { service, method, values, requestHeader, signal } = context;
    const { intake, socket } = values.get(TRANSPORT);
    intake?.endWith(signal);
    const need = needOf(`${service.typeName}/${method.name}`);
    if (need === "nothing") return;
    const finish = begun(services, context);
    try {
      const authorization = requestHeader.get("authorization") ?? undefined;
      const subject = socket === undefined ? undefined : subjectOf(socket, services.clock.now());
      const visitor = await services.desk.admit({ authorization, subject });
      demandAnywhere(visitor.principal, need);
      values.set(VISITOR, visitor);
    } catch (error) {
      throw finish(error);
    }
  };
}

/** @throws {SeglogError} `unauthenticated`, `forbidden` for whoever may do this with no topic at all */
function demandAnywhere(principal: Principal, need: Scope | "any"): void {
  const isAllowed = principal.grants.some(({ scopes }) =>
    need === "any" || scopes.includes(need) || scopes.includes("admin")
  );
  if (!isAllowed) throw refusal(principal, need === "any" ? "any scope" : `${need} on a topic`);
}
