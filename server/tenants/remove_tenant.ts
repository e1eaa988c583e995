/**
 * The end of a tenant.
 *
 * @module
 */
import type { Credentials } from "../access/credentials.ts";
import { DEFAULT_TENANT } from "../access/principal.ts";
import type { TenantInfo, Tenants } from "./tenants.ts";

/**
 * Takes back all credentials of a tenant, then removes its topics and its quota.
 *
 * @returns what it was
 * @throws {SeglogError} `invalid-argument` for the tenant of those who run the server
 */
export async function removeTenant(
  tenant: string,
  tenants: Tenants,
  credentials: Credentials,
): Promise<TenantInfo> {
  if (tenant !== DEFAULT_TENANT) {
    const theirs = credentials.all().filter((each) => each.tenant === tenant);
    for (const { id } of theirs) await credentials.revoke(id);
  }
  return await tenants.remove(tenant);
}
