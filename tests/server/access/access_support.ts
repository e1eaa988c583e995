/** Apps with credentials, and who shows them. */
import type { Hono } from "hono";
import { Store } from "../../../mod.ts";
import type { NewCredential } from "../../../server/access/credential.ts";
import { createService } from "../../../server/app.ts";
import type { AppOptions } from "../../../server/open_services.ts";
import { jsonOf, jsonRequest } from "../support.ts";

/** Asks as somebody. */
export type Asking = (path: string, init?: RequestInit) => Promise<Response>;

/** An app that has an operator, so that everybody has to show something. */
export interface GuardedApp extends AsyncDisposable {
  readonly app: Hono;
  readonly store: Store;
  readonly operator: Asking;
  readonly stranger: Asking;
  /** Somebody with a new token. */
  somebody(given: NewCredential): Promise<Asking>;
  /** Makes a token. */
  token(given: NewCredential): Promise<string>;
  readonly notices: string[];
}

export async function openGuarded(
  options: AppOptions = {},
  given?: Store,
): Promise<GuardedApp> {
  const store = given ?? await Store.memory();
  const notices: string[] = [];
  const service = createService(store, {
    onNotice: (notice) => notices.push(notice),
    ...options,
  });
  const { app } = service;
  const stranger: Asking = async (path, init) => await app.request(path, init);
  const as = (token: string): Asking => async (path, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    return await app.request(path, { ...init, headers });
  };
  const make = async (ask: Asking, asked: NewCredential) =>
    (await jsonOf<{ token: string }>(await ask("/v1/tokens", jsonRequest("POST", asked)), 201))
      .token;
  const operator = as(await make(stranger, { name: "operator", grants: "admin" }));
  return {
    ...{ app, store, operator, stranger, notices },
    token: (asked) => make(operator, asked),
    somebody: async (asked) => as(await make(operator, asked)),
    async [Symbol.asyncDispose]() {
      await service.close();
      await store.close();
    },
  };
}
