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
import { removeTenant } from "../tenants/remove_tenant.ts";
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
  const names = (await credentials).all().map(({ tenant }) => tenant);
  return jsonAnswer({ tenants: await tenants.list(names) });
}

async function describe(exchange: Exchange): Promise<Response> {
  exchange.query();
  return jsonAnswer(await exchange.services.desk.tenants.describe(tenantOf(exchange)));
}

/** Nobody comes in as the tenant any more, and then its topics go. */
async function remove(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenants, credentials } = exchange.services.desk;
  const tenant = tenantOf(exchange);
  return jsonAnswer(await removeTenant(tenant, tenants, await credentials));
}

/** What the body does not name has no limit. */
async function limit(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenants } = exchange.services.desk;
  const tenant = tenantOf(exchange);
  const quota = checked(quotaShape, await exchange.settings(SETTINGS_BYTES_MAX), "the quota");
  await tenants.limit(tenant, quota);
  return jsonAnswer(await tenants.describe(tenant));
}

function tenantOf(exchange: Exchange): string {
  return exchange.segment(3);
}
