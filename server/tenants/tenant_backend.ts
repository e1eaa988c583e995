/**
 * The topics of one tenant, as if there were no others: in the backend below, their names begin
 * with a prefix of the tenant.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { isInternalTopic, TENANTS_PREFIX } from "../../core/format/file_names.ts";
import { DEFAULT_TENANT } from "../access/principal.ts";
import { LayeredBackend } from "../layered_backend.ts";

const TENANT_TOPIC = new RegExp(`^${TENANTS_PREFIX}([^/]+)/`);

/** What the names of a tenant's topics begin with. */
function prefixOf(tenant: string): string {
  return `${TENANTS_PREFIX}${tenant}/`;
}

/** The tenant that a topic belongs to, by its name in the backend below all tenants. */
export function tenantOf(topic: string): string {
  return TENANT_TOPIC.exec(topic)?.[1] ?? DEFAULT_TENANT;
}

/** A topic as its tenant calls it, by its name in the backend below all tenants. */
export function nameInTenant(topic: string): string {
  return topic.replace(TENANT_TOPIC, "");
}

/** What of `backend` belongs to `tenant`. */
export function tenantBackend(backend: Backend, tenant: string): Backend {
  if (tenant === DEFAULT_TENANT) {
    return new LayeredBackend(backend, {
      enter(topic) {
        if (!TENANT_TOPIC.test(topic)) return topic;
        throw new SeglogError("not-found", `Cannot use "${topic}": it is another tenant's`);
      },
      shownName: (topic) => TENANT_TOPIC.test(topic) ? undefined : topic,
    });
  }
  const prefix = prefixOf(tenant);
  return new LayeredBackend(backend, {
    enter(topic) {
      if (!topic.startsWith("__") || isInternalTopic(topic)) return prefix + topic;
      throw new SeglogError(
        "invalid-argument",
        `Cannot use ${
          JSON.stringify(topic.slice(0, 80))
        } as a topic name: names that start with "__" are kept for internal topics`,
      );
    },
    dutyName: (duty) => prefix + duty,
    shownName: (topic) => topic.startsWith(prefix) ? topic.slice(prefix.length) : undefined,
    told: (error) => withoutPrefix(error, prefix),
  });
}

/** An error in the words of the tenant. */
function withoutPrefix(error: unknown, prefix: string): unknown {
  if (!(error instanceof SeglogError)) return error;
  const { code, message, details } = error;
  const plain = Object.fromEntries(
    Object.entries(details).map(([name, value]) => [
      name,
      typeof value === "string" ? value.replaceAll(prefix, "") : value,
    ]),
  );
  return new SeglogError(code, message.replaceAll(prefix, ""), { details: plain, cause: error });
}
