/**
 * Checks and operations as one commit.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { keyBytes } from "../../core/kv/kv_key.ts";
import { demand } from "../access/principal.ts";
import { commitTx, type TxResult } from "../kv_tx.ts";
import { refuseSecondWrites, type TxCheck, type TxOperation } from "../kv_tx_body.ts";
import { TX_OPERATIONS_MAX } from "../limits.ts";
import { demandRole } from "../roles.ts";
import type { Call } from "./call.ts";
import {
  type KvCheck,
  type KvOperation,
  type KvTransactRequest,
  KvTransactRequest_Isolation as Isolation,
} from "./generated/seglog/v1/kv_service_pb.js";
import { entryMessage, revisionMember, valueOf } from "./kv_messages.ts";
import { invalidMember, maybeWhole, named } from "./messages.ts";

/** All of it or nothing: then the error says which check does not hold. */
export async function kvTransact(request: KvTransactRequest, { services, visitor }: Call) {
  const bucket = named(request.bucket, "bucket");
  const { principal } = visitor;
  demand(principal, "consume", bucket); // what a check or a get finds is told
  const operations = request.operations.map(operationOf);
  const isChange = operations.some(({ op }) => op !== "get");
  if (isChange) demand(principal, "produce", bucket);
  demandRole(services.role, isChange ? "write" : "read");
  const checks = request.checks.map(checkOf);
  checkCount(checks.length, operations.length);
  refuseSecondWrites(operations);
  const commit = await commitTx({ tenant: visitor.tenant, services }, bucket, {
    isolation: isolationOf(request.isolation),
    snapshot: undefined,
    checks,
    operations,
  });
  return { ...revisionMember(commit.revision), results: commit.results.map(resultMessage) };
}

function isolationOf(isolation: Isolation): "serializable" | "snapshot" {
  if (isolation === Isolation.SERIALIZABLE) return "serializable";
  if (isolation === Isolation.SNAPSHOT) return "snapshot";
  throw invalidMember("isolation", `is ${isolation}, which this version does not know`);
}

function checkOf({ key, revision }: KvCheck): TxCheck {
  keyBytes(key);
  return { key, revision: maybeWhole(revision, "checks.revision") ?? null };
}

function operationOf({ key, operation }: KvOperation, index: number): TxOperation {
  keyBytes(key);
  const member = `operations[${index}]`;
  switch (operation.case) {
    case "get":
    case "delete":
      return { op: operation.case, key };
    case "set":
      return { op: "set", key, value: valueOf(operation.value, `${member}.set`) };
    default:
      throw invalidMember(member, "says nothing: give get, set or delete");
  }
}

function checkCount(checks: number, operations: number): void {
  if (checks + operations === 0) {
    throw invalidMember("operations", "has none: give one at the least, where there is no check");
  }
  if (Math.max(checks, operations) <= TX_OPERATIONS_MAX) return;
  throw new SeglogError(
    "too-large",
    `Cannot run a transaction of ${checks} checks and ${operations} operations: ${TX_OPERATIONS_MAX} of each at most`,
    { details: { limit: TX_OPERATIONS_MAX } },
  );
}

function resultMessage({ entry, revision }: TxResult) {
  if (entry !== undefined) return { entry: entryMessage(entry, revision!) };
  return revisionMember(revision ?? -1);
}
