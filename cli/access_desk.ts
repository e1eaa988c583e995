/**
 * Credentials and tenants, in a folder, on a server or in a cluster, the same to every verb.
 *
 * @module
 */
import { systemClock } from "../core/base/clock.ts";
import type { NewCredential, ShownCredential } from "../server/access/credential.ts";
import type { Quota } from "../server/tenants/quota.ts";
import type { TenantInfo } from "../server/tenants/tenant_book.ts";
import { openToChange, openToWrite, openUrl, placeOf } from "./connect.ts";
import type { Context } from "./grammar/verb.ts";

/** Who may come in. */
export interface ShownTokens {
  readonly tokens: readonly ShownCredential[];
  /** Whether a server lets in nobody else. */
  readonly required: boolean;
}

/** What can be done with them. All methods throw as the routes of the server tell. */
export interface AccessDesk extends AsyncDisposable {
  tokens(): Promise<ShownTokens>;
  makeToken(given: NewCredential): Promise<ShownCredential & { readonly token?: string }>;
  revokeToken(name: string): Promise<void>;
  tenants(): Promise<readonly TenantInfo[]>;
  tenant(tenant: string): Promise<TenantInfo>;
  limitTenant(tenant: string, quota: Quota): Promise<void>;
  removeTenant(tenant: string): Promise<void>;
}

/** Opens what `--at` names. @param create whether a folder is made when there is none */
export async function openAccessDesk(context: Context, create: boolean): Promise<AccessDesk> {
  return placeOf(context.at) === "a server"
    ? await onServer(context)
    : await inFolder(context, create);
}

async function onServer(context: Context): Promise<AccessDesk> {
  const backend = await openUrl(context);
  const { api } = backend;
  const pathOf = (tenant: string) => `/v1/tenants/${encodeURIComponent(tenant)}`;
  return {
    tokens: () => api.get("/v1/tokens"),
    makeToken: (given) => api.post("/v1/tokens", given),
    revokeToken: (name) => api.delete(`/v1/tokens/${encodeURIComponent(name)}`),
    tenants: async () => (await api.get<{ tenants: TenantInfo[] }>("/v1/tenants")).tenants,
    tenant: (tenant) => api.get(pathOf(tenant)),
    limitTenant: (tenant, quota) => api.put(`${pathOf(tenant)}/quota`, quota),
    removeTenant: (tenant) => api.delete(pathOf(tenant)),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

async function inFolder(context: Context, create: boolean): Promise<AccessDesk> {
  const [{ Credentials }, { shownCredential }, { TenantBook }] = await Promise.all([
    import("../server/access/credentials.ts"),
    import("../server/access/credential.ts"),
    import("../server/tenants/tenant_book.ts"),
  ]);
  const store = create ? await openToWrite(context) : await openToChange(context);
  const clock = systemClock;
  const notice = (text: string) => context.output.note(`seglog: ${text}`);
  const book = new TenantBook(store, { clock, notice, refused() {} });
  await book.open();
  const credentials = await Credentials.open(store, { clock, notice });
  return {
    tokens: () =>
      Promise.resolve({
        tokens: credentials.all().map(shownCredential),
        required: credentials.areNeeded,
      }),
    makeToken: async (given) => {
      const { credential, token } = await credentials.make(given);
      return { ...shownCredential(credential), ...token === undefined ? {} : { token } };
    },
    revokeToken: async (name) => void await credentials.revoke(name),
    tenants: () => book.list(credentials),
    tenant: (tenant) => book.describe(tenant),
    limitTenant: (tenant, quota) => book.limit(tenant, quota),
    removeTenant: async (tenant) => void await book.remove(tenant, credentials),
    async [Symbol.asyncDispose]() {
      await credentials.close();
      await book.close();
      await store.close();
    },
  };
}
