/**
 * `tenant ls`, `limit` and `rm`.
 *
 * @module
 */
import type { Quota } from "../../server/tenants/quota.ts";
import { openAccessDesk } from "../access_desk.ts";
import { confirmed } from "../confirm.ts";
import { EXIT_ERROR, EXIT_OK, UsageError } from "../exit.ts";
import type { AccessLsOptions, TenantLimitOptions, TenantRmOptions } from "../grammar/access.ts";
import type { Context } from "../grammar/verb.ts";
import { writeRows } from "../table.ts";
import { countOf, formatBytes } from "../units.ts";

/** Lists tenants with what they have and may have. */
export async function listTenants(context: Context, { shaped }: AccessLsOptions): Promise<number> {
  const { output } = context;
  await using desk = await openAccessDesk(context, false);
  const tenants = await desk.tenants();
  if (shaped) {
    for (const tenant of tenants) await output.line(JSON.stringify({ version: 1, ...tenant }));
    return EXIT_OK;
  }
  const of = (used: string, limit: string | undefined) =>
    limit === undefined ? used : `${used} of ${limit}`;
  const rate = (text: string | undefined) => text === undefined ? "" : `${text}/s`;
  await writeRows(output, {
    headings: ["TENANT", "TOPICS", "PARTITIONS", "STORED", "REQUESTS", "BYTES"],
    numeric: [1],
    rows: tenants.map(({ tenant, topics, partitions, storedBytes, quota }) => [
      tenant,
      String(topics),
      of(String(partitions), quota.topics?.toString()),
      of(formatBytes(storedBytes), bytesOf(quota.storedBytes)),
      rate(quota.requestsPerSecond?.toString()),
      rate(bytesOf(quota.bytesPerSecond)),
    ]),
  });
  return EXIT_OK;
}

/** Changes those limits that are named. */
export async function limitTenant(context: Context, options: TenantLimitOptions): Promise<number> {
  const { tenant, ...limits } = options;
  const given = Object.entries(limits).filter(([, limit]) => limit !== undefined);
  if (given.length === 0) {
    throw new UsageError("say how much, as in: seglog tenant limit acme --topics 100");
  }
  await using desk = await openAccessDesk(context, true);
  const { quota } = await desk.tenant(tenant);
  const all = Object.entries({ ...quota, ...Object.fromEntries(given) });
  await desk.limitTenant(
    tenant,
    Object.fromEntries(all.filter(([, limit]) => limit !== null)) as Quota,
  );
  context.output.note(`seglog: changed the limits of "${tenant}"`);
  return EXIT_OK;
}

/** Removes a tenant, asking first unless told not to. */
export async function removeTenant(context: Context, options: TenantRmOptions): Promise<number> {
  const { tenant, yes } = options;
  const { output } = context;
  await using desk = await openAccessDesk(context, false);
  const { topics } = await desk.tenant(tenant);
  const question = `Remove "${tenant}" with its tokens and ${countOf(topics, "topic")}?`;
  if (!yes && !await confirmed(context, question)) {
    output.note("seglog: nothing was removed");
    return EXIT_ERROR;
  }
  await desk.removeTenant(tenant);
  output.note(`seglog: removed "${tenant}" with ${countOf(topics, "topic")}`);
  return EXIT_OK;
}

function bytesOf(bytes: number | undefined): string | undefined {
  return bytes === undefined ? undefined : formatBytes(bytes);
}
