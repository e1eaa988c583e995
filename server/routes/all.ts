/**
 * All routes of the server, in the order in which a path is looked for among them.
 *
 * @module
 */
import { ADMIN_ROUTES } from "./admin.ts";
import { APPEND_ROUTES } from "./append.ts";
import { BLOB_ROUTES } from "./blobs.ts";
import { GROUP_ROUTES } from "./groups.ts";
import { HEALTH_ROUTES } from "./health.ts";
import { KV_ROUTES } from "./kv.ts";
import { METRICS_ROUTES } from "./metrics.ts";
import { OPENAPI_ROUTES } from "./openapi.ts";
import { PARTITION_ROUTES } from "./partition.ts";
import { QUERY_ROUTES } from "./query.ts";
import { READ_ROUTES } from "./read.ts";
import { RECORD_ROUTES } from "./record.ts";
import { RPC_ROUTES } from "./rpc.ts";
import { SCHEMA_ROUTES } from "./schemas.ts";
import { SMALL_API_ROUTES } from "./small_api.ts";
import { TENANT_ROUTES } from "./tenants.ts";
import { TOKEN_ROUTES } from "./tokens.ts";
import { TOPIC_ROUTES } from "./topics.ts";
import { WEBHOOK_ROUTES } from "./webhooks.ts";
import type { Route } from "../exchange.ts";

/** Every method and path that is served. */
export const ROUTES: readonly Route[] = [
  ...TOPIC_ROUTES,
  ...APPEND_ROUTES,
  ...READ_ROUTES,
  ...RECORD_ROUTES,
  ...PARTITION_ROUTES,
  ...KV_ROUTES,
  ...WEBHOOK_ROUTES,
  ...QUERY_ROUTES,
  ...SMALL_API_ROUTES,
  ...BLOB_ROUTES,
  ...SCHEMA_ROUTES,
  ...GROUP_ROUTES,
  ...TOKEN_ROUTES,
  ...TENANT_ROUTES,
  ...HEALTH_ROUTES,
  ...METRICS_ROUTES,
  ...ADMIN_ROUTES,
  ...OPENAPI_ROUTES,
  ...RPC_ROUTES,
];
