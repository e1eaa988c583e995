/**
 * Tenants and their quotas, for who runs the server.
 *
 * @module
 */
import { OPERATOR } from "../access/access.ts";
import { jsonAnswer } from "../answers.ts";
import { checked } from "../checked.ts";
import type { Exchange, Route } from "../exchange.ts";
import { SETTINGS_BYTES_MAX } from "../limits.ts";
import { quotaShape } from "../tenants/quota.ts";

/** The routes of tenants. */
export const TENANT_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/tenants", access: OPERATOR, handle: list },
  { method: "GET", path: "/v1/tenants/:tenant", access: OPERATOR, handle: describe },
  { method: "DELETE", path: "/v1/tenants/:tenant", access: OPERATOR, handle: remove },
  { method: "PUT", path: "/v1/tenants/:tenant/quota", access: OPERATOR, handle: limit },
];

async function list(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenants, credentials } = exchange.services.desk;
  return jsonAnswer({ tenants: await tenants.book.list(await credentials) });
}

async function describe(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { book } = exchange.services.desk.tenants;
  return jsonAnswer(await book.describe(exchange.segment(3)));
}

/** Nobody comes in as the tenant any more, and then its topics go. */
async function remove(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenants, credentials } = exchange.services.desk;
  return jsonAnswer(await tenants.remove(exchange.segment(3), await credentials));
}

/** What the body does not name has no limit. */
async function limit(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { book } = exchange.services.desk.tenants;
  const tenant = exchange.segment(3);
  const quota = checked(quotaShape, await exchange.settings(SETTINGS_BYTES_MAX), "the quota");
  await book.limit(tenant, quota);
  return jsonAnswer(await book.describe(tenant));
}
