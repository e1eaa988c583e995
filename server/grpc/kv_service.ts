/**
 * `seglog.v1.KvService`: keys and values, a view over a topic.
 *
 * @module
 */
import type { ConnectRouter } from "@connectrpc/connect";
import { keyBytes } from "../../core/kv/kv_key.ts";
import { demand } from "../access/principal.ts";
import type { Services } from "../exchange.ts";
import { noValue, readEntry } from "../kv_read.ts";
import { deleteKey, setKey } from "../kv_write.ts";
import { waitForRevision } from "../min_offset.ts";
import { demandRole, type Work } from "../roles.ts";
import { type Call, streaming, unary } from "./call.ts";
import {
  type KvDeleteRequest,
  type KvGetRequest,
  KvService,
  type KvSetRequest,
} from "./generated/seglog/v1/kv_service_pb.js";
import { kvList } from "./kv_list.ts";
import { conditionOf, entryMessage, valueOf } from "./kv_messages.ts";
import { kvTransact } from "./kv_transact.ts";
import { kvWatch } from "./kv_watch.ts";
import { invalidMember, maybeWhole, named } from "./messages.ts";
import { waitingOf, wantedRevision } from "./min_offset.ts";

/** Adds the service. */
export function addKvService(router: ConnectRouter, services: Services): void {
  router.service(KvService, {
    get: unary(services, forRole("read", get)),
    set: unary(services, forRole("write", set)),
    delete: unary(services, forRole("write", remove)),
    list: unary(services, forRole("read", kvList)),
    transact: unary(services, kvTransact),
    watch: streaming(services, forRole("read", kvWatch)),
  });
}

/** A method that a server with another role leaves to others: buckets are shared, and know no roles. */
function forRole<Request, Result>(
  work: Work,
  method: (request: Request, call: Call) => Result,
): (request: Request, call: Call) => Result {
  return (request, call) => {
    demandRole(call.services.role, work);
    return method(request, call);
  };
}

async function get(request: KvGetRequest, call: Call) {
  const { services, visitor } = call;
  const bucket = named(request.bucket, "bucket");
  demand(visitor.principal, "consume", bucket);
  keyBytes(request.key);
  const revision = maybeWhole(request.revision, "revision");
  const place = { bucket, snapshot: undefined, revision };
  await waitForRevision(waitingOf(call), place, wantedRevision(request));
  const entry = await readEntry(visitor, place, request.key);
  if (entry === undefined) throw noValue(bucket, request.key);
  services.metrics.sent(1);
  return { entry: entryMessage(entry) };
}

async function set(request: KvSetRequest, { services, visitor }: Call) {
  const bucket = named(request.bucket, "bucket");
  demand(visitor.principal, "produce", bucket);
  keyBytes(request.key); // before a bucket is made for it
  const condition = conditionOf(request.condition);
  const value = valueOf(request.value);
  const place = { bucket, key: request.key };
  const { revision, isNew } = await setKey(visitor.tenant, place, { value, condition });
  services.metrics.appended(1);
  return { revision: BigInt(revision), created: isNew };
}

async function remove(request: KvDeleteRequest, { services, visitor }: Call) {
  const bucket = named(request.bucket, "bucket");
  demand(visitor.principal, "produce", bucket);
  keyBytes(request.key); // before a bucket is made for it
  const condition = conditionOf(request.condition);
  if (condition.ifAbsent) {
    throw invalidMember("condition.absent", "cannot hold: there is nothing to delete then");
  }
  const place = { bucket, key: request.key };
  const revision = await deleteKey(visitor.tenant, place, condition);
  if (revision === undefined) return {};
  services.metrics.appended(1);
  return { revision: BigInt(revision) };
}
